#include "control/internal/command_words.h"

#include <gtest/gtest.h>

namespace salvor::control::internal {
namespace {

std::string first(const std::string& command) {
  return first_program(command).value_or("-");
}

TEST(CommandWordsTest, TheFirstProgramOfACommandIsTold) {
  EXPECT_EQ(first("sytemctl stop shop"), "sytemctl");
  EXPECT_EQ(first("  ./manage.sh; true"), "./manage.sh");
  EXPECT_EQ(first("! DATABASE_URL=$SALVOR_STORE_DB python3 manage.py"), "python3");
  EXPECT_EQ(first("A=1 B=\"two\" run"), "run");
  EXPECT_EQ(first("systemctl&"), "systemctl");
}

TEST(CommandWordsTest, WhatTheShellDecidesIsNotGuessed) {
  for (const char* command : {"", "test -e flag", "cd /srv && ./run", "$TOOL run", "\"my tool\" x",
                              "(sub shell)", "A=\"two words\" run", "A=$(date +%s) run", "if true",
                              "{ run; }", "A=1", "echo x", "> file", "~/bin/x"}) {
    EXPECT_EQ(first(command), "-") << command;
  }
}

TEST(CommandWordsTest, ProgramsAreFoundAsTheShellFindsThem) {
  EXPECT_TRUE(is_program("sh", "/"));
  EXPECT_TRUE(is_program("/bin/sh", "/tmp"));
  EXPECT_TRUE(is_program("bin/sh", "/usr"));
  EXPECT_FALSE(is_program("bin/sh", "/usr/share"));
  EXPECT_FALSE(is_program("sytemctl", "/"));
  EXPECT_FALSE(is_program("/etc/passwd", "/"));
}

}  // namespace
}  // namespace salvor::control::internal
