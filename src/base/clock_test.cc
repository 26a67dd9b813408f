#include "base/clock.h"

#include <gtest/gtest.h>

#include <limits>

#include "testing/seeded_rng.h"
#include "testing/time_zone.h"

namespace salvor {
namespace {

using testing::InTimeZone;

/// What a text is read as, in the form of format_time; "no" when it is refused.
std::string read(std::string_view text) {
  const auto time = parse_time(text);
  return time ? format_time(*time) : "no";
}

TEST(FormatTime, IsRfc3339InUtcWithMicroseconds) {
  EXPECT_EQ(format_time({0}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_time({1'767'323'045'678'901'234}), "2026-01-02T03:04:05.678901Z");
  EXPECT_EQ(format_time({-1}), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_time({-1'000'000'000}), "1969-12-31T23:59:59.000000Z");
  EXPECT_EQ(format_time({INT64_MAX}), "2262-04-11T23:47:16.854775Z");
  EXPECT_EQ(format_time({INT64_MIN}), "1677-09-21T00:12:43.145224Z");
}

TEST(ParseTime, ReadsWhatFormatTimeWrites) {
  testing::SeededRng rng(testing::test_seed());
  for (int round = 0; round < 2000; ++round) {
    // Microseconds, from 1678 to 2261.
    const auto us =
        static_cast<std::int64_t>(rng.below(18'400'000'000'000'000ULL)) - 9'200'000'000'000'000;
    const auto time = parse_time(format_time({us * 1000}));
    ASSERT_TRUE(time.has_value()) << us;
    EXPECT_EQ(time->ns, us * 1000);
  }
}

TEST(ParseTime, ReadsRfc3339) {
  EXPECT_EQ(read("2026-02-03T04:05:06Z"), "2026-02-03T04:05:06.000000Z");
  EXPECT_EQ(read("2026-02-03 04:05:06z"), "2026-02-03T04:05:06.000000Z");
  EXPECT_EQ(read("2026-02-03t04:05:06.7Z"), "2026-02-03T04:05:06.700000Z");
  EXPECT_EQ(read("2026-02-03T04:05Z"), "2026-02-03T04:05:00.000000Z");
  EXPECT_EQ(read("2026-02-03T04:05:06+02:00"), "2026-02-03T02:05:06.000000Z");
  EXPECT_EQ(read("2026-02-03T04:05:06-0530"), "2026-02-03T09:35:06.000000Z");
  EXPECT_EQ(read("2026-01-01T00:00:00+00:01"), "2025-12-31T23:59:00.000000Z");
  EXPECT_EQ(parse_time("1970-01-01T00:00:00.123456789Z"), Time{123'456'789});
  EXPECT_EQ(parse_time("1970-01-01T00:00:00.123456789987Z"), Time{123'456'789});
}

TEST(ParseTime, KnowsTheCalendar) {
  EXPECT_EQ(read("2024-02-29T00:00:00Z"), "2024-02-29T00:00:00.000000Z");
  EXPECT_EQ(read("2000-02-29T23:59:59Z"), "2000-02-29T23:59:59.000000Z");
  for (const std::string_view text :
       {"2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
        "2026-02-30T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T23:60:00Z", "2026-01-01T23:59:60Z", "2026-01-01T23:59:61Z"}) {
    EXPECT_EQ(read(text), "no") << text;
  }
}

TEST(ParseTime, RefusesWhatDoesNotFit) {
  EXPECT_EQ(read("2262-04-11T23:47:16.854775807Z"), "2262-04-11T23:47:16.854775Z");
  EXPECT_EQ(read("1677-09-21T00:12:44Z"), "1677-09-21T00:12:44.000000Z");
  for (const std::string_view text :
       {"2262-04-11T23:47:16.854775808Z", "2262-04-11T23:47:17Z", "1677-09-21T00:12:42Z",
        "2300-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"}) {
    EXPECT_EQ(read(text), "no") << text;
  }
}

TEST(ParseTime, RefusesWhatIsNoTime) {
  for (const std::string_view text : {"",
                                      "latest",
                                      "2026",
                                      "2026-02",
                                      "26-02-03",
                                      "2026-2-3",
                                      "2026/02/03",
                                      "2026-02-03T",
                                      "2026-02-03T04",
                                      "2026-02-03T04:",
                                      "2026-02-03T4:05:06Z",
                                      "2026-02-03T04:05:06.Z",
                                      "2026-02-03T04:05:06ZZ",
                                      "2026-02-03T04:05:06+",
                                      "2026-02-03T04:05:06+2",
                                      "2026-02-03T04:05:06+24:00",
                                      "2026-02-03T04:05:06+02:60",
                                      "2026-02-03T04:05:06 UTC",
                                      " 2026-02-03T04:05:06Z",
                                      "2026-02-03T04:05:06Z ",
                                      "-2026-02-03T04:05:06Z",
                                      "2026-02-03T04:05:-6Z",
                                      "2026-02-03T 4:05:06Z",
                                      "1770091506"}) {
    EXPECT_EQ(read(text), "no") << text;
  }
}

TEST(ParseTime, WithoutAZoneItIsLocal) {
  const InTimeZone zone(InTimeZone::kCentralEurope);
  EXPECT_EQ(read("2026-01-15T12:00:00"), "2026-01-15T11:00:00.000000Z");
  EXPECT_EQ(read("2026-07-15 12:00"), "2026-07-15T10:00:00.000000Z");
  EXPECT_EQ(read("2026-07-15"), "2026-07-14T22:00:00.000000Z");
  EXPECT_EQ(read("2026-07-15T12:00:00.5"), "2026-07-15T10:00:00.500000Z");
  EXPECT_EQ(read("2026-07-15T12:00:00Z"), "2026-07-15T12:00:00.000000Z");
}

TEST(ParseTime, AroundTheChangesOfSummerTime) {
  const InTimeZone zone(InTimeZone::kCentralEurope);
  EXPECT_EQ(read("2026-03-29T01:59:59"), "2026-03-29T00:59:59.000000Z");
  EXPECT_EQ(read("2026-03-29T03:00:00"), "2026-03-29T01:00:00.000000Z");
  EXPECT_EQ(read("2026-03-29T02:30:00"), "no") << "the clocks skip it";
  EXPECT_EQ(read("2026-10-25T01:59:59"), "2026-10-24T23:59:59.000000Z");
  EXPECT_EQ(read("2026-10-25T03:00:00"), "2026-10-25T02:00:00.000000Z");
  const std::string twice = read("2026-10-25T02:30:00");
  EXPECT_TRUE(twice == "2026-10-25T00:30:00.000000Z" || twice == "2026-10-25T01:30:00.000000Z")
      << twice;
}

TEST(HumanDuration, InTwoUnits) {
  EXPECT_EQ(human_duration(0), "0 ms");
  EXPECT_EQ(human_duration(0.82), "820 ms");
  EXPECT_EQ(human_duration(1), "1.0 s");
  EXPECT_EQ(human_duration(12.34), "12.3 s");
  EXPECT_EQ(human_duration(60), "1 min 0 s");
  EXPECT_EQ(human_duration(432), "7 min 12 s");
  EXPECT_EQ(human_duration(3599.6), "1 h 0 min");
  EXPECT_EQ(human_duration(11'100), "3 h 5 min");
  EXPECT_EQ(human_duration(187'200), "2 d 4 h");
  EXPECT_EQ(human_duration(-90), "-1 min 30 s");
  for (const double seconds : {1e20, 1e300, std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(human_duration(seconds), "over 100 years");
  }
}

TEST(ParseDuration, ReadsSumsOfUnits) {
  EXPECT_EQ(parse_duration_s("15m"), 900);
  EXPECT_EQ(parse_duration_s("30s"), 30);
  EXPECT_EQ(parse_duration_s("2h"), 7200);
  EXPECT_EQ(parse_duration_s("1d"), 86'400);
  EXPECT_EQ(parse_duration_s("2w"), 1'209'600);
  EXPECT_EQ(parse_duration_s("1h30m"), 5400);
  EXPECT_EQ(parse_duration_s("0s"), 0);
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", "15", "m", "15 m", " 15m", "15m ", "-15m", "1h-5m", "1.5h", "15M", "1y", "+1h", "1h30",
        "9223372036854775807s", "9223372036854775808s", "99999999999w", "36601d", "36600d36600d"}) {
    EXPECT_EQ(parse_duration_s(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_duration_s("36600d"), 36'600LL * 86'400);
}

TEST(Clock, TheSystemsGoesOn) {
  Clock& clock = Clock::system();
  const Time wall = clock.now();
  EXPECT_GT(wall, parse_time("2024-01-01T00:00:00Z").value());
  const Time first = clock.monotonic();
  const Time second = clock.monotonic();
  EXPECT_GE(second, first);
  EXPECT_DOUBLE_EQ(Time{2'500'000'000}.seconds_since({1'000'000'000}), 1.5);
}

}  // namespace
}  // namespace salvor
