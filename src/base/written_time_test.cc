#include "base/written_time.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace salvor {
namespace {

constexpr Time kTime{1'700'000'000'123'456'789};

TEST(WrittenTimeTest, TheZoneIsThatOfWhatWasWritten) {
  EXPECT_EQ(format_time_like(kTime, "2020-01-01T00:00:00Z"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(format_time_like(kTime, "2020-01-01T00:00+05:30"), "2023-11-15T03:43:20+05:30");
  EXPECT_EQ(format_time_like(kTime, "2020-01-01 00:00:00-0130"), "2023-11-14T20:43:20-01:30");
  EXPECT_EQ(format_time_like(kTime, "2020-01-01T00:00:00.5Z"), "2023-11-14T22:13:20.123456Z");
}

TEST(WrittenTimeTest, WithoutAZoneItIsThatOfThisMachineAtThatTime) {
  ::setenv("TZ", "Europe/Berlin", 1);
  ::tzset();
  EXPECT_EQ(format_time_like(kTime, "2020-07-01 12:00"), "2023-11-14T23:13:20+01:00");
  EXPECT_EQ(local_time(kTime), "2023-11-14T23:13:20+01:00");
  EXPECT_EQ(format_time_like(kTime, "latest"), "2023-11-14T22:13:20Z") << "it is no time";
  const Time summer = *parse_time("2023-07-01 12:00");
  EXPECT_EQ(format_time_like(summer, "2023-01-01"), "2023-07-01T12:00:00+02:00");
  ::unsetenv("TZ");
  ::tzset();
}

}  // namespace
}  // namespace salvor
