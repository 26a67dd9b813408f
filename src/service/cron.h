#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace salvor::service {

/// In which zone a schedule's hours are meant. `local` is the machine's own zone, with its changes
/// between summer and winter time.
enum class TimeZone { utc, local };

/// When something is due: "minute hour day-of-month month day-of-week". Each field is *, or a list
/// of numbers and ranges, each range (or *) with a step: "0,30", "9-17", "*/6", "1-31/2". Months
/// and weekdays may be written by name (JAN, SUN); 0 and 7 are both Sunday. When day-of-month and
/// day-of-week are both restricted, either suffices.
/// Threads: a value, immutable.
/// Source:  POSIX crontab, with the steps and names that every cron has had since Vixie's.
class Cron {
 public:
  /// Errors: configuration: which field is wrong, or that the day never comes (30 February).
  static Cron parse(std::string_view text);

  /// The first moment after `after`. A local time that the change to summer time skips is due an
  /// hour later; one that comes twice in autumn is due the first time.
  Time next_after(Time after, TimeZone zone) const;

  /// The text it was made from.
  const std::string& text() const { return text_; }

 private:
  Cron() = default;
  bool day_matches(int month, int day, int weekday) const;
  std::optional<Time> search(Time after, TimeZone zone) const;

  std::string text_;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<8> weekdays_;
  bool any_day_ = false;      ///< day-of-month begins with *
  bool any_weekday_ = false;  ///< day-of-week begins with *
};

}  // namespace salvor::service
