#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

namespace salvor {
namespace {

struct Row {
  ErrorCode code;
  std::string_view name;
  int exit;
  int http;
  std::string_view label;
};

constexpr Row kTable[] = {
#define X(name, exit, http, label) {ErrorCode::name, #name, exit, http, label},
#include "base/error_codes.def"
#undef X
};

TEST(ErrorTable, AnswersForEveryCode) {
  for (const Row& row : kTable) {
    EXPECT_EQ(exit_status(row.code), row.exit) << row.name;
    EXPECT_EQ(http_status(row.code), row.http) << row.name;
    EXPECT_EQ(label(row.code), row.label) << row.name;
  }
}

// Scripts rely on these.
TEST(ErrorTable, ExitStatusesAreTheContract) {
  const std::pair<ErrorCode, int> contract[] = {
      {ErrorCode::failed, 1},      {ErrorCode::usage, 2},       {ErrorCode::configuration, 3},
      {ErrorCode::not_found, 4},   {ErrorCode::corruption, 5},  {ErrorCode::refused, 6},
      {ErrorCode::conflict, 7},    {ErrorCode::unreachable, 8}, {ErrorCode::checks_failed, 9},
      {ErrorCode::cancelled, 130},
  };
  for (const auto& [code, exit] : contract) EXPECT_EQ(exit_status(code), exit) << label(code);
}

TEST(ErrorTable, EveryRowMakesSense) {
  std::set<std::string_view> labels;
  for (const Row& row : kTable) {
    EXPECT_TRUE(labels.insert(row.label).second) << "two rows share the label " << row.label;
    EXPECT_EQ(row.label, row.name);
    EXPECT_GE(row.exit, 1);
    EXPECT_TRUE(row.exit <= 9 || row.exit == 130) << row.exit;
    EXPECT_GE(row.http, 200);
    EXPECT_LE(row.http, 599);
  }
}

TEST(Error, CarriesWhatItWasMadeWith) {
  const Error error(ErrorCode::refused, "cannot do it: found 1, expected 2", "do the other thing");
  EXPECT_EQ(error.code(), ErrorCode::refused);
  EXPECT_EQ(error.message(), "cannot do it: found 1, expected 2");
  EXPECT_EQ(error.hint(), "do the other thing");
  EXPECT_STREQ(error.what(), "cannot do it: found 1, expected 2");
  EXPECT_FALSE(error.retryable());
  EXPECT_TRUE(Error(ErrorCode::failed, "no hint").hint().empty());
}

TEST(Error, ContextKeepsEverythingElse) {
  const Error error =
      Error(ErrorCode::unreachable, "no answer", "look at the cable").as_retryable();
  const Error wider = error.with_context("store media");
  EXPECT_EQ(wider.message(), "store media: no answer");
  EXPECT_EQ(wider.code(), ErrorCode::unreachable);
  EXPECT_EQ(wider.hint(), "look at the cable");
  EXPECT_TRUE(wider.retryable());
  EXPECT_EQ(error.message(), "no answer");
}

Error system_error(int error) {
  try {
    throw_system_error("cannot open", "/srv/a\nb", error);
  } catch (const Error& thrown) {
    return thrown;
  }
}

TEST(SystemError, CodesAndHintsFollowErrno) {
  EXPECT_EQ(system_error(ENOSPC).code(), ErrorCode::no_space);
  EXPECT_EQ(system_error(EDQUOT).code(), ErrorCode::no_space);
  EXPECT_EQ(system_error(ENOENT).code(), ErrorCode::not_found);
  EXPECT_EQ(system_error(EIO).code(), ErrorCode::failed);
  EXPECT_EQ(system_error(EACCES).code(), ErrorCode::failed);
  for (const int with_hint : {ENOSPC, EDQUOT, EACCES, EPERM, EMFILE, ENFILE}) {
    EXPECT_FALSE(system_error(with_hint).hint().empty()) << with_hint;
  }
}

TEST(SystemError, NamesTheActionThePathAndTheReason) {
  EXPECT_EQ(system_error(ENOENT).message(), "cannot open /srv/a\\x0ab: No such file or directory");
  EXPECT_EQ(errno_text(EACCES), "Permission denied");
}

TEST(AssertDeathTest, SaysWhatDoesNotHold) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const int two = 2;
  SALVOR_ASSERT(two == 2);
  EXPECT_DEATH(SALVOR_ASSERT(two == 3), "internal error: two == 3 does not hold");
}

}  // namespace
}  // namespace salvor
