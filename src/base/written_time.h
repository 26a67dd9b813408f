#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace salvor {

/// A time in RFC 3339 as a user would have written it: in the zone of `written`, a text that
/// parse_time() reads, or in this machine's zone where `written` names none. Microseconds are shown
/// only where `written` has a fraction. Messages that answer `--at` use it.
std::string format_time_like(Time time, std::string_view written);

/// "2026-02-03T04:05:06+01:00", in the zone of this machine: how all text for people has times.
/// JSON, and what is signed, has format_time().
std::string local_time(Time time);

}  // namespace salvor
