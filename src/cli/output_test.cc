#include "cli/output.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace salvor::cli {
namespace {

TEST(TableTest, AlignsByWhatPeopleSee) {
  Table table({"NAME", ">SIZE", "NOTE"});
  table.row({"ä", "5", ""});
  table.row({"media", "12,345", "x"});
  EXPECT_EQ(table.text(),
            "NAME     SIZE  NOTE\n"
            "ä           5\n"
            "media  12,345  x\n");
}

TEST(OutputTest, JsonListIsOneDocument) {
  testing::internal::CaptureStdout();
  Output output(true);
  output.begin_list("entries");
  output.item("{\"a\":1}");
  output.item("{\"a\":2}");
  output.end_list();
  output.flush();
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "{\n\"entries\": [\n{\"a\":1},\n{\"a\":2}\n]}\n");
}

TEST(OutputTest, AnErrorWithinAListClosesTheDocument) {
  testing::internal::CaptureStdout();
  Output output(true);
  output.begin_list("entries");
  output.item("{}");
  output.failure(Error(ErrorCode::corruption, "broken", "mend it"));
  output.flush();
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "{\n\"entries\": [\n{}\n],\n  \"error\": {\n    \"code\": \"corruption\",\n"
            "    \"message\": \"broken\",\n    \"hint\": \"mend it\",\n    \"exit\": 5\n  }\n}\n");
}

TEST(OutputTest, AnErrorInTextModeIsNotOnStandardOutput) {
  testing::internal::CaptureStdout();
  Output output(false);
  output.failure(Error(ErrorCode::failed, "broken"));
  output.flush();
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST(TextTest, NumbersAndTimes) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  ::setenv("TZ", "Asia/Kolkata", 1);
  ::tzset();
  const std::string local = local_time(Time{1'700'000'000'900'000'000});
  ::unsetenv("TZ");
  ::tzset();
  EXPECT_EQ(local, "2023-11-15T03:43:20+05:30");
  // What is shown can be given back with --at.
  EXPECT_EQ(parse_time(local), Time{1'700'000'000'000'000'000});
}

}  // namespace
}  // namespace salvor::cli
