#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace salvor {

/// RFC 3339 in the zone of `written`, a text that parse_time() reads; in the zone of this machine
/// where it has none. With microseconds where `written` has a fraction.
std::string format_time_like(Time time, std::string_view written);

}  // namespace salvor
