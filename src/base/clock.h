#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace salvor {

/// A moment, or a reading of the monotonic clock, as a type of its own. A value.
/// Units: nanoseconds since 1970-01-01T00:00:00Z, negative before; hence from 1677 to 2262.
struct Time {
  std::int64_t ns = 0;
  auto operator<=>(const Time&) const = default;
  double seconds_since(Time earlier) const { return static_cast<double>(ns - earlier.ns) / 1e9; }
};

/// Where time comes from, so that tests own it. No clock is ever trusted for safety: times are for
/// people and for retention, and never decide which of two writers was first.
/// Threads: any.
class Clock {
 public:
  virtual ~Clock() = default;
  /// The time of day. It may go back when somebody sets the clock.
  virtual Time now() = 0;
  /// Time from an arbitrary origin; it never goes back. Measure durations with it.
  virtual Time monotonic() = 0;
  /// The kernel's clocks. It lives as long as the process.
  static Clock& system();
};

/// A moment in UTC, as RFC 3339 with microseconds: "2026-02-03T04:05:06.789012Z".
std::string format_time(Time time);

/// Reads RFC 3339, and a little more: "T" or a blank between date and time, a fraction or none,
/// "Z", "+02:00" or "+0200". A date alone means midnight, and the seconds may be left out. A time
/// without a zone is in the zone of this machine.
/// Errors: none: empty when the text is no time, is not on the calendar (February 30th), or is
///         outside of what Time holds.
std::optional<Time> parse_time(std::string_view text);

/// A duration for people: "820 ms", "12.5 s", "7 min 12 s", "3 h 5 min", "2 d 4 h". It is "over 100
/// years" for what is longer, and for what is not a number.
std::string human_duration(double seconds);

/// Reads "30s", "15m", "2h", "1d", "2w" and sums such as "1h30m".
/// Units:  seconds, at most 100 years.
/// Errors: none: empty when the text is anything else.
std::optional<std::int64_t> parse_duration_s(std::string_view text);

}  // namespace salvor
