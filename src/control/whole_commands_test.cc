#include "control/whole_commands.h"

#include <gtest/gtest.h>

namespace salvor::control {
namespace {

class WholeCommandsTest : public ::testing::Test {
 protected:
  void SetUp() override { note_how_called("", {"backup", "restore", "runs", "verify"}); }
  void TearDown() override { note_how_called("", {}); }
};

TEST_F(WholeCommandsTest, EachCommandGetsTheConfiguration) {
  EXPECT_EQ(whole_commands("resume: salvor restore --resume r; or see `salvor runs show r`", "f"),
            "resume: salvor -c f restore --resume r; or see `salvor -c f runs show r`");
  EXPECT_EQ(whole_commands("(salvor --json runs show r)", "f"), "(salvor -c f --json runs show r)");
  EXPECT_EQ(whole_commands("run salvor backup, then salvor verify", "f"),
            "run salvor -c f backup, then salvor -c f verify");
}

TEST_F(WholeCommandsTest, ItIsQuotedWhereItMustBe) {
  EXPECT_EQ(whole_commands("salvor backup", "a b"), "salvor -c 'a b' backup");
  EXPECT_EQ(whole_commands("salvor backup", "it's"), "salvor -c 'it'\\''s' backup");
}

TEST_F(WholeCommandsTest, WhatIsNoCommandStays) {
  for (const char* text : {"salvor moves it", "a newer salvor", "see `salvor restore --help`",
                           "salvor -c g restore shop", "mysalvor backup", ""}) {
    EXPECT_EQ(whole_commands(text, "f"), text);
  }
}

TEST_F(WholeCommandsTest, WithoutAConfigurationNothingIsAdded) {
  EXPECT_EQ(whole_commands("salvor backup"), "salvor backup");
  note_how_called("x.toml", {"backup"});
  EXPECT_EQ(whole_commands("salvor backup"), "salvor -c x.toml backup");
}

}  // namespace
}  // namespace salvor::control
