#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace salvor::service {

/// In which zone the hours of a schedule are meant. `local` is the machine's own zone, with its
/// changes between summer and winter time.
enum class TimeZone { utc, local };

/// When something is due, as five fields: "minute hour day-of-month month day-of-week". Each field
/// is *, or a list of numbers and ranges, and each range (or *) may have a step: "0,30", "9-17",
/// "*/6", "1-31/2". Months and weekdays may be written by name (JAN, SUN); 0 and 7 are both Sunday.
/// When day-of-month and day-of-week are both restricted, a day that matches either is due.
///     const Cron nightly = Cron::parse("0 3 * * *");
///     const Time next = nightly.next_after(clock.now(), TimeZone::local);
/// Threads: a value, immutable.
/// Source:  POSIX crontab, with the steps and names that every cron has had since Vixie's.
class Cron {
 public:
  /// Reads the five fields.
  /// Errors: configuration: a field is wrong (the message says which), or the day never comes (30
  ///         February).
  static Cron parse(std::string_view text);

  /// The first moment after `after`. A local time that the change to summer time skips is due an
  /// hour later; one that comes twice in autumn is due the first time only.
  Time next_after(Time after, TimeZone zone) const;

  /// The text that it was made from.
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
  /// These two fields begin with *, so that they restrict no day.
  bool any_day_ = false;
  bool any_weekday_ = false;
};

}  // namespace salvor::service
