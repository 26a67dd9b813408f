#include "service/cron.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <ctime>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "service/internal/civil_time.h"

namespace salvor::service {
namespace {

constexpr std::int64_t kSecond_ns = 1'000'000'000;
constexpr std::int64_t kHour_ns = 3600 * kSecond_ns;
constexpr std::size_t kTextBytesMax = 200;
/// 29 February on a given weekday, over a century that is no leap year: 40 years at most.
constexpr int kSearchDaysMax = 41 * 366;

constexpr std::array<std::string_view, 12> kMonths{"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                   "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekdays{"SUN", "MON", "TUE", "WED",
                                                    "THU", "FRI", "SAT"};

struct Field {
  std::string_view name;
  int least;
  int most;
  std::span<const std::string_view> names;  ///< for least, least + 1, …
};

const std::array<Field, 5> kFields{Field{"minute", 0, 59, {}}, Field{"hour", 0, 23, {}},
                                   Field{"day-of-month", 1, 31, {}}, Field{"month", 1, 12, kMonths},
                                   Field{"day-of-week", 0, 7, kWeekdays}};

[[noreturn]] void refuse_cron(std::string_view text, const std::string& reason) {
  throw Error(
      ErrorCode::configuration,
      fmt::format("not a schedule: \"{}\": {}", printable(text.substr(0, kTextBytesMax)), reason),
      "write five fields: minute hour day-of-month month day-of-week, e.g. \"0 3 * * SUN\"");
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find_first_of(separators);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool equal_ignoring_case(std::string_view a, std::string_view upper) {
  if (a.size() != upper.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'a' && a[i] <= 'z' ? static_cast<char>(a[i] - 'a' + 'A') : a[i];
    if (c != upper[i]) return false;
  }
  return true;
}

/// Reads one field of a schedule into a set of its values.
template <std::size_t Size>
class FieldReader {
 public:
  FieldReader(const Field& field, std::string_view whole) : field_(field), whole_(whole) {}

  std::bitset<Size> read(std::string_view text) {
    for (const std::string_view part : split(text, ",")) read_part(part);
    return values_;
  }

 private:
  void read_part(std::string_view part) {
    const std::size_t slash = part.find('/');
    const std::string_view range = part.substr(0, slash);
    const std::size_t dash = range.find('-');
    int from = field_.least;
    int to = field_.most;
    if (range != "*") {
      from = value(range.substr(0, dash));
      to = dash == std::string_view::npos ? from : value(range.substr(dash + 1));
      // FRI-SUN: as the end of a range Sunday comes last.
      if (to < from && to == 0 && field_.most == 7) to = 7;
    }
    int step = 1;
    if (slash != std::string_view::npos) {
      if (range != "*" && dash == std::string_view::npos) reject(part);
      step = number(part.substr(slash + 1));
      if (step < 1 || step > field_.most) reject(part);
    }
    if (from > to) reject(part);
    for (int i = from; i <= to; i += step) values_.set(static_cast<std::size_t>(i));
  }

  int value(std::string_view text) {
    for (std::size_t i = 0; i < field_.names.size(); ++i) {
      if (equal_ignoring_case(text, field_.names[i])) return field_.least + static_cast<int>(i);
    }
    const int found = number(text);
    if (found < field_.least || found > field_.most) reject(text);
    return found;
  }

  int number(std::string_view text) {
    int found = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), found);
    if (error != std::errc{} || end != text.data() + text.size() || found < 0) reject(text);
    return found;
  }

  [[noreturn]] void reject(std::string_view part) const {
    refuse_cron(whole_, fmt::format("field {}: found \"{}\", expected {} to {}", field_.name,
                                    printable(part), field_.least, field_.most));
  }

  const Field& field_;
  std::string_view whole_;
  std::bitset<Size> values_;
};

/// mktime() decides by what it was asked before which of two equal local times is meant, and
/// whether a skipped one becomes an earlier or a later one: both are settled here.
Time time_of(const std::tm& fields, TimeZone zone) {
  std::tm normalised = fields;
  normalised.tm_isdst = -1;
  if (zone == TimeZone::utc) return {timegm(&normalised) * kSecond_ns};
  Time time{std::mktime(&normalised) * kSecond_ns};
  const int minute_wanted = fields.tm_hour * 60 + fields.tm_min;
  const auto minute_of = [&](Time when) {
    const std::tm found = civil_time(when, zone);
    return found.tm_hour * 60 + found.tm_min;
  };
  if (minute_of(time) < minute_wanted) return {time.ns + kHour_ns};
  const Time before{time.ns - kHour_ns};
  return minute_of(before) == minute_wanted ? before : time;
}

/// The calendar day `days` after that of `fields`, at its first minute.
std::tm day_after(const std::tm& fields, int days) {
  std::tm moved{};
  moved.tm_year = fields.tm_year;
  moved.tm_mon = fields.tm_mon;
  moved.tm_mday = fields.tm_mday + days;
  timegm(&moved);  // normalises the date and finds the weekday, which no zone changes
  return moved;
}

}  // namespace

Cron Cron::parse(std::string_view text) {
  if (text.size() > kTextBytesMax) refuse_cron(text, "it is too long");
  std::vector<std::string_view> fields;
  for (const std::string_view part : split(text, " \t")) {
    if (!part.empty()) fields.push_back(part);
  }
  if (fields.size() != kFields.size()) {
    refuse_cron(text, fmt::format("found {} fields, expected 5", fields.size()));
  }
  Cron cron;
  cron.text_ = text;
  cron.minutes_ = FieldReader<60>(kFields[0], text).read(fields[0]);
  cron.hours_ = FieldReader<24>(kFields[1], text).read(fields[1]);
  cron.days_ = FieldReader<32>(kFields[2], text).read(fields[2]);
  cron.months_ = FieldReader<13>(kFields[3], text).read(fields[3]);
  cron.weekdays_ = FieldReader<8>(kFields[4], text).read(fields[4]);
  if (cron.weekdays_[7]) cron.weekdays_.set(0);
  cron.any_day_ = fields[2].front() == '*';
  cron.any_weekday_ = fields[4].front() == '*';
  if (!cron.search(Time{}, TimeZone::utc)) refuse_cron(text, "that day never comes");
  return cron;
}

bool Cron::day_matches(int month, int day, int weekday) const {
  if (!months_[static_cast<std::size_t>(month)]) return false;
  const bool by_day = days_[static_cast<std::size_t>(day)];
  const bool by_weekday = weekdays_[static_cast<std::size_t>(weekday)];
  if (any_day_ || any_weekday_) return by_day && by_weekday;
  return by_day || by_weekday;
}

std::optional<Time> Cron::search(Time after, TimeZone zone) const {
  const std::tm start = civil_time(after, zone);
  for (int days = 0; days < kSearchDaysMax; ++days) {
    std::tm candidate = day_after(start, days);
    if (!day_matches(candidate.tm_mon + 1, candidate.tm_mday, candidate.tm_wday)) continue;
    for (int hour = 0; hour < 24; ++hour) {
      if (!hours_[static_cast<std::size_t>(hour)]) continue;
      for (int minute = 0; minute < 60; ++minute) {
        if (!minutes_[static_cast<std::size_t>(minute)]) continue;
        candidate.tm_hour = hour;
        candidate.tm_min = minute;
        const Time due = time_of(candidate, zone);
        if (due > after) return due;
      }
    }
  }
  return std::nullopt;
}

Time Cron::next_after(Time after, TimeZone zone) const {
  const std::optional<Time> next = search(after, zone);
  // parse() has proved that the day comes, within the span that search() looks at.
  SALVOR_ASSERT(next.has_value());
  return *next;
}

}  // namespace salvor::service
