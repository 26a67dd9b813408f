#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace salvor {

/// A time in RFC 3339 as a user would have written it: in the zone of `written`, a text that
/// parse_time() reads, or in this machine's zone where `written` names none. Microseconds are shown
/// only where `written` has a fraction. Messages that answer `--at` use it.
std::string format_time_like(Time time, std::string_view written);

}  // namespace salvor
