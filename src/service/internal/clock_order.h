#pragma once

#include <span>
#include <vector>

#include "base/clock.h"

namespace salvor::service {

/// Which times of a row are right, by the explanation that takes the fewest mistakes: a point whose
/// time is out of order with its neighbours' is wrong, or the clock was set back between two
/// points. That counts as two and a half wrong points, so three points in a row that agree with
/// each other are believed, and one or two are not. Where two explanations are as good, the one
/// that believes newer points.
/// Shape:  in: times in the order of commitment; out: for each, whether it is believed.
/// Cost:   n log n.
/// Promise: of what is believed together with any part of the rest, the same is believed.
std::vector<bool> believed_times(std::span<const Time> times);

}  // namespace salvor::service
