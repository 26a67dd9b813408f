#include "service/cron.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "testing/time_zone.h"

namespace salvor::service {
namespace {

using testing::InTimeZone;

Time at(const std::string& text) {
  return parse_time(text).value();
}

std::string next(const std::string& cron, const std::string& after) {
  return format_time(Cron::parse(cron).next_after(at(after), TimeZone::utc)).substr(0, 16);
}

std::string refusal_of(const std::string& cron) {
  try {
    Cron::parse(cron);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::configuration);
    EXPECT_FALSE(error.hint().empty());
    return error.message();
  }
  return "accepted";
}

TEST(CronTest, FindsTheNextMoment) {
  EXPECT_EQ(next("* * * * *", "2026-02-03T04:05:06Z"), "2026-02-03T04:06");
  EXPECT_EQ(next("0 */6 * * *", "2026-02-03T04:05:06Z"), "2026-02-03T06:00");
  EXPECT_EQ(next("0 */6 * * *", "2026-02-03T06:00:00Z"), "2026-02-03T12:00") << "strictly after";
  EXPECT_EQ(next("0 */6 * * *", "2026-02-03T23:00:00Z"), "2026-02-04T00:00");
  EXPECT_EQ(next("30 4 * * *", "2026-12-31T04:30:00.5Z"), "2027-01-01T04:30");
  EXPECT_EQ(next("5,10-12,50-59/4 9-17 * * *", "2026-02-03T09:12:00Z"), "2026-02-03T09:50");
  EXPECT_EQ(next("5,10-12,50-59/4 9-17 * * *", "2026-02-03T17:58:00Z"), "2026-02-04T09:05");
  EXPECT_EQ(next("0 0 1 JAN,jul *", "2026-02-03T00:00:00Z"), "2026-07-01T00:00");
  EXPECT_EQ(next("0 0 31 * *", "2026-04-01T00:00:00Z"), "2026-05-31T00:00");
  EXPECT_EQ(next("  0\t0  29 2  * ", "2026-01-01T00:00:00Z"), "2028-02-29T00:00");
  EXPECT_EQ(next("0 0 29 2 *", "2096-03-01T00:00:00Z"), "2104-02-29T00:00");
  EXPECT_EQ(next("0 0 * * *", "1960-05-05T05:05:05Z"), "1960-05-06T00:00");
}

TEST(CronTest, KnowsWeekdays) {
  // 2026-02-03 is a Tuesday.
  EXPECT_EQ(next("0 3 * * SUN", "2026-02-03T00:00:00Z"), "2026-02-08T03:00");
  EXPECT_EQ(next("0 3 * * 0", "2026-02-03T00:00:00Z"), "2026-02-08T03:00");
  EXPECT_EQ(next("0 3 * * 7", "2026-02-03T00:00:00Z"), "2026-02-08T03:00");
  EXPECT_EQ(next("0 3 * * fri-sun", "2026-02-03T00:00:00Z"), "2026-02-06T03:00");
  EXPECT_EQ(next("0 3 * * MON-FRI", "2026-02-06T03:00:00Z"), "2026-02-09T03:00");
}

TEST(CronTest, EitherDaySufficesWhenBothAreRestricted) {
  EXPECT_EQ(next("0 0 13 * FRI", "2026-02-03T00:00:00Z"), "2026-02-06T00:00");
  EXPECT_EQ(next("0 0 5 * FRI", "2026-02-03T00:00:00Z"), "2026-02-05T00:00");
  EXPECT_EQ(next("0 0 */2 * FRI", "2026-02-03T00:00:00Z"), "2026-02-13T00:00") << "a step: both";
}

TEST(CronTest, RefusesWhatIsNoSchedule) {
  EXPECT_EQ(refusal_of("0 3 * *"), "not a schedule: \"0 3 * *\": found 4 fields, expected 5");
  EXPECT_EQ(refusal_of("60 3 * * *"),
            "not a schedule: \"60 3 * * *\": field minute: found \"60\", expected 0 to 59");
  EXPECT_EQ(refusal_of("0 0 30 2 *"), "not a schedule: \"0 0 30 2 *\": that day never comes");
  for (const char* text : {"",
                           "* * * * * *",
                           "@daily",
                           "-1 * * * *",
                           "5-1 * * * *",
                           "*/0 * * * *",
                           "*/x * * * *",
                           "5/2 * * * *",
                           "1,,2 * * * *",
                           "1- * * * *",
                           "* 24 * * *",
                           "* * 0 * *",
                           "* * * 13 *",
                           "* * * FOO *",
                           "* * * * 8",
                           "* * * * SAT-MON",
                           "+1 * * * *",
                           "1.5 * * * *",
                           "99999999999 * * * *",
                           "* * * * *\n"}) {
    EXPECT_NE(refusal_of(text), "accepted") << text;
  }
  EXPECT_NE(refusal_of(std::string(1'000'000, '*')), "accepted");
  EXPECT_EQ(refusal_of(std::string("\x1b* * * *")).find('\x1b'), std::string::npos);
}

TEST(CronTest, FollowsTheLocalZone) {
  const InTimeZone zone(InTimeZone::kCentralEurope);
  const Cron cron = Cron::parse("30 2 * * *");
  const auto after = [&](const char* text) {
    return format_time(cron.next_after(at(text), TimeZone::local)).substr(0, 16);
  };
  EXPECT_EQ(after("2026-02-03T00:00:00Z"), "2026-02-03T01:30");
  EXPECT_EQ(after("2026-07-03T00:00:00Z"), "2026-07-03T00:30");
  // 2026-03-29: 02:30 does not exist. 2026-10-25: 02:30 comes twice, first at 00:30Z.
  EXPECT_EQ(after("2026-03-28T23:30:00Z"), "2026-03-29T01:30") << "which is 03:30 there";
  EXPECT_EQ(after("2026-10-24T23:00:00Z"), "2026-10-25T00:30");
  EXPECT_EQ(after("2026-10-25T00:30:00Z"), "2026-10-26T01:30") << "not a second time";
  EXPECT_EQ(next("30 2 * * *", "2026-07-03T00:00:00Z"), "2026-07-03T02:30") << "UTC stays UTC";
}

TEST(CronTest, LocalMomentsAlwaysAdvance) {
  const InTimeZone zone(InTimeZone::kCentralEurope);
  const Cron cron = Cron::parse("*/30 * * * *");
  for (const char* start : {"2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z"}) {
    Time time = at(start);
    for (int i = 0; i < 24; ++i) {
      const Time due = cron.next_after(time, TimeZone::local);
      ASSERT_GT(due, time) << format_time(time);
      ASSERT_LE(due.seconds_since(time), 5400) << format_time(time);
      time = due;
    }
  }
}

}  // namespace
}  // namespace salvor::service
