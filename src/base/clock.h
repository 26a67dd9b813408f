#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace salvor {

/// Nanoseconds since 1970-01-01T00:00:00Z; negative before.
struct Time {
  std::int64_t ns = 0;
  auto operator<=>(const Time&) const = default;
  double seconds_since(Time earlier) const { return static_cast<double>(ns - earlier.ns) / 1e9; }
};

/// Where time comes from, so that tests own it. No clock is ever trusted for safety: times are for
/// people and for retention, never for deciding which of two writers was first.
/// Threads: any.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() = 0;        ///< wall time
  virtual Time monotonic() = 0;  ///< from an arbitrary origin; never goes back
  static Clock& system();
};

/// RFC 3339 in UTC with microseconds: "2026-02-03T04:05:06.789012Z".
std::string format_time(Time time);

/// Reads RFC 3339 ("T" or a blank between date and time; fraction optional; "Z" or ±hh:mm). A time
/// without zone is local. Empty when it is not a time, not on the calendar, or not between 1677 and
/// 2262, as far as Time reaches.
std::optional<Time> parse_time(std::string_view text);

/// "7 min 12 s", "3 h 5 min", "2 d 4 h", "820 ms"; "over 100 years" for more, and for no number.
std::string human_duration(double seconds);

/// Reads "15m", "30s", "2h", "1d", "1h30m" as seconds; empty when it is anything else.
std::optional<std::int64_t> parse_duration_s(std::string_view text);

}  // namespace salvor
