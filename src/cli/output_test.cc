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

TEST(TableTest, BreaksCellsBetweenWordsWhereItWouldBeTooWide) {
  Table table({"STEP", ">TIME", "WHAT"});
  table.row({"migrate", "3", "bring the schema of the copy up to date"});
  EXPECT_EQ(table.text({.columns = 40, .colour = false}),
            "STEP     TIME  WHAT\n"
            "migrate     3  bring the schema of the\n"
            "               copy up to date\n");
}

TEST(TableTest, ColumnsStandBelowEachOtherWhereWordsDoNotFit) {
  Table table({"POINT", "STORES", ">SIZE", "NOTE"});
  table.row({std::string(32, 'a'), "db", "1 MB", ""});
  table.row({std::string(32, 'b'), "db", "12 MB", "partial"});
  EXPECT_EQ(table.text({.columns = 40, .colour = false}),
            "POINT                             STORES\n     SIZE  NOTE\n" + std::string(32, 'a') +
                "  db\n     1 MB\n" + std::string(32, 'b') + "  db\n    12 MB  partial\n");
}

TEST(TableTest, ColumnsThatAreEmptyTakeNoLine) {
  Table table({"RUN", "ERROR"});
  table.row({std::string(40, 'r'), ""});
  table.row({std::string(40, 's'), "it failed, and this says why in many words"});
  EXPECT_EQ(table.text({.columns = 50, .colour = false}),
            "RUN\n    ERROR\n" + std::string(40, 'r') + "\n" + std::string(40, 's') +
                "\n    it failed, and this says why in many words\n");
}

TEST(TableTest, IdsAreShortenedToWhatTellsThemApart) {
  const std::string id = "0123456789abcdef0123456789abcdef";
  Table table({"#POINT", "NOTE"});
  table.row({id, id});
  table.row({"fedcba9876543210fedcba9876543210", "-"});
  table.row({"-", ""});
  EXPECT_EQ(table.text({.columns = 50, .colour = false}),
            "POINT         NOTE\n0123456789ab  " + id + "\nfedcba987654  -\n-\n");
  EXPECT_EQ(table.text({.columns = 66, .colour = false}), table.text()) << "they fit";
  table.row({"0123456789abcdee0123456789abcdef", ""});
  EXPECT_EQ(table.text({.columns = 50, .colour = false}),
            "POINT             NOTE\n0123456789abcdef  " + id +
                "\nfedcba9876543210  -\n-\n0123456789abcdee\n");
}

TEST(TableTest, ColoursStatesOnly) {
  Table table({"STATE"});
  table.row({"good"});
  table.row({"shop"});
  EXPECT_EQ(table.text({.columns = {}, .colour = true}),
            "\x1b[1mSTATE\x1b[0m\n\x1b[32mgood\x1b[0m\nshop\n");
}

TEST(TextTest, LinesAreBrokenBetweenWords) {
  EXPECT_EQ(wrapped("one two three", 7), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrapped("  one /a/long/path x", 8),
            (std::vector<std::string>{"  one", "/a/long/path", "x"}));
  EXPECT_EQ(wrapped("", 8), std::vector<std::string>{""});
}

TEST(TextTest, CommandsStayWholeToBeCopied) {
  const std::string text =
      "undo it: salvor restore --undo 7 --confirm shop makes the old data live";
  EXPECT_EQ(wrapped(text, 45),
            (std::vector<std::string>{"undo it:", "salvor restore --undo 7 --confirm shop makes",
                                      "the old data live"}));
  EXPECT_EQ(wrapped("see `salvor points shop`, and more", 24),
            (std::vector<std::string>{"see", "`salvor points shop`,", "and more"}));
  EXPECT_EQ(wrapped(text, 20).front(), "undo it: salvor") << "where it does not fit";
}

TEST(TextTest, EachLineIsLaidOutForItself) {
  const std::string text = "one two three\n  four five six seven";
  EXPECT_EQ(laid_out(text, 12), "one two\n    three\n  four\n    five six\n    seven");
  EXPECT_EQ(laid_out(text, {}), text);
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
  output.failure(Error(ErrorCode::corruption, "broken", "repair it"));
  output.flush();
  EXPECT_EQ(
      testing::internal::GetCapturedStdout(),
      "{\n\"entries\": [\n{}\n],\n  \"error\": {\n    \"code\": \"corruption\",\n"
      "    \"message\": \"broken\",\n    \"hint\": \"repair it\",\n    \"exit\": 5\n  }\n}\n");
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
