#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace salvor {

/// The candidate that `word` was most likely meant to be: the one with the fewest letters inserted,
/// removed, replaced or swapped with their neighbour. Empty when none is near.
std::optional<std::string_view> nearest_name(std::string_view word,
                                             std::span<const std::string_view> candidates);

/// A hint: `did you mean "x"?`, or else all the candidates.
std::string suggest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace salvor
