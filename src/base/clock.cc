#include "base/clock.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <ctime>

#include "base/written_time.h"

namespace salvor {
namespace {

constexpr std::int64_t kSecond_ns = 1'000'000'000;
/// 100 years. Nobody means a longer duration.
constexpr std::int64_t kDurationMax_s = 100LL * 366 * 86400;

Time read_clock(clockid_t which) {
  timespec value{};
  clock_gettime(which, &value);
  return {value.tv_sec * kSecond_ns + value.tv_nsec};
}

class SystemClock final : public Clock {
 public:
  Time now() override { return read_clock(CLOCK_REALTIME); }
  Time monotonic() override { return read_clock(CLOCK_MONOTONIC); }
};

/// Reads exactly `digits` digits from the head of `text`, and removes them.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::int64_t> take_fraction_ns(std::string_view& text) {
  if (!take(text, ".")) return 0;
  std::int64_t value = 0;
  std::int64_t unit = kSecond_ns / 10;
  std::size_t digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    value += (text.front() - '0') * unit;
    unit /= 10;
    text.remove_prefix(1);
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  return value;
}

/// Seconds east of UTC; `local` is set when there is no zone.
std::optional<int> take_zone(std::string_view& text, bool& local) {
  if (text.empty()) {
    local = true;
    return 0;
  }
  if (take(text, "Zz")) return 0;
  const bool west = text.front() == '-';
  if (!take(text, "+-")) return std::nullopt;
  const auto hours = take_number(text, 2);
  take(text, ":");
  const auto minutes = take_number(text, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const int offset_s = (*hours * 60 + *minutes) * 60;
  return west ? -offset_s : offset_s;
}

std::optional<std::tm> take_date_and_time(std::string_view& text) {
  std::tm when{};
  const auto year = take_number(text, 4);
  const bool dash_1 = take(text, "-");
  const auto month = take_number(text, 2);
  const bool dash_2 = take(text, "-");
  const auto day = take_number(text, 2);
  if (!year || !month || !day || !dash_1 || !dash_2) return std::nullopt;
  when.tm_year = *year - 1900;
  when.tm_mon = *month - 1;
  when.tm_mday = *day;
  when.tm_isdst = -1;
  if (text.empty()) return when;
  const bool separator = take(text, "Tt ");
  const auto hour = take_number(text, 2);
  const bool colon = take(text, ":");
  const auto minute = take_number(text, 2);
  if (!separator || !hour || !colon || !minute) return std::nullopt;
  when.tm_hour = *hour;
  when.tm_min = *minute;
  if (take(text, ":")) {
    const auto second = take_number(text, 2);
    if (!second) return std::nullopt;
    when.tm_sec = *second;
  }
  return when;
}

bool same_calendar_fields(const std::tm& a, const std::tm& b) {
  return a.tm_year == b.tm_year && a.tm_mon == b.tm_mon && a.tm_mday == b.tm_mday &&
         a.tm_hour == b.tm_hour && a.tm_min == b.tm_min && a.tm_sec == b.tm_sec;
}

}  // namespace

Clock& Clock::system() {
  static SystemClock clock;
  return clock;
}

std::string format_time(Time time) {
  std::int64_t seconds = time.ns / kSecond_ns;
  std::int64_t rest_ns = time.ns % kSecond_ns;
  if (rest_ns < 0) {
    rest_ns += kSecond_ns;
    --seconds;
  }
  std::tm when{};
  const std::time_t as_time_t = seconds;
  gmtime_r(&as_time_t, &when);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", when.tm_year + 1900,
                     when.tm_mon + 1, when.tm_mday, when.tm_hour, when.tm_min, when.tm_sec,
                     rest_ns / 1000);
}

std::string format_time_like(Time time, std::string_view written) {
  constexpr std::size_t kFractionDigits = 6;
  const bool has_fraction = written.find('.') != std::string_view::npos;
  bool local = false;
  std::optional<int> offset_s = 0;
  if (take_date_and_time(written) && take_fraction_ns(written)) {
    offset_s = take_zone(written, local).value_or(0);
  }
  if (local) {
    const std::time_t seconds = time.ns / kSecond_ns - (time.ns % kSecond_ns < 0 ? 1 : 0);
    std::tm when{};
    localtime_r(&seconds, &when);
    offset_s = static_cast<int>(when.tm_gmtoff);
  }
  // Of the time in UTC that the clocks there show, the zone is exchanged.
  std::string text = format_time({time.ns + *offset_s * kSecond_ns});
  text.resize(text.size() - 1 - (has_fraction ? 0 : 1 + kFractionDigits));
  if (!local && *offset_s == 0) return text + "Z";
  const int minutes = std::abs(*offset_s) / 60;
  return text + fmt::format("{}{:02}:{:02}", *offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

std::string local_time(Time time) {
  return format_time_like(time, "2000-01-01 00:00");
}

std::optional<Time> parse_time(std::string_view text) {
  auto when = take_date_and_time(text);
  if (!when) return std::nullopt;
  const auto fraction_ns = take_fraction_ns(text);
  bool local = false;
  const auto offset_s = take_zone(text, local);
  if (!fraction_ns || !offset_s || !text.empty()) return std::nullopt;
  std::tm normalised = *when;
  const std::time_t seconds = local ? std::mktime(&normalised) : timegm(&normalised);
  // February 30th is normalised to March by the C library; it is a typing error here.
  if (!same_calendar_fields(*when, normalised)) return std::nullopt;
  // Nanoseconds in 64 bits reach from 1677 to 2262.
  std::int64_t ns = 0;
  if (__builtin_mul_overflow(std::int64_t{seconds} - *offset_s, kSecond_ns, &ns) ||
      __builtin_add_overflow(ns, *fraction_ns, &ns)) {
    return std::nullopt;
  }
  return Time{ns};
}

std::string human_duration(double seconds) {
  if (seconds < 0) return "-" + human_duration(-seconds);
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  // What is read from a damaged record may be anything, also no number.
  if (!(seconds < static_cast<double>(kDurationMax_s))) return "over 100 years";
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  return fmt::format("{} d {} h", whole / 86400, whole % 86400 / 3600);
}

std::optional<std::int64_t> parse_duration_s(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || count < 0 || count > kDurationMax_s) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.empty()) return std::nullopt;
    std::int64_t unit = 0;
    switch (text.front()) {
      case 's':
        unit = 1;
        break;
      case 'm':
        unit = 60;
        break;
      case 'h':
        unit = 3600;
        break;
      case 'd':
        unit = 86400;
        break;
      case 'w':
        unit = 7 * 86400;
        break;
      default:
        return std::nullopt;
    }
    text.remove_prefix(1);
    if (count > kDurationMax_s / unit) return std::nullopt;
    total += count * unit;
    if (total > kDurationMax_s) return std::nullopt;
  }
  return total;
}

}  // namespace salvor
