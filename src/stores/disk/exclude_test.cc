#include "stores/disk/exclude.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace salvor::stores::disk {
namespace {

bool matches(const std::string& pattern, const std::string& path, bool is_directory = false) {
  return Exclude({pattern}).matches(path, is_directory);
}

TEST(Exclude, PatternWithoutSlashMatchesNamesAtAnyDepth) {
  EXPECT_TRUE(matches("*.tmp", "a.tmp"));
  EXPECT_TRUE(matches("*.tmp", "x/y/a.tmp"));
  EXPECT_TRUE(matches("*.tmp", ".tmp"));
  EXPECT_FALSE(matches("*.tmp", "a.tmpx"));
  EXPECT_FALSE(matches("*.tmp", "a.tmp/b"));
  EXPECT_TRUE(matches("core", "deep/down/core"));
  EXPECT_FALSE(matches("core", "deep/core.c"));
}

TEST(Exclude, PatternWithSlashMatchesTheWholePath) {
  EXPECT_TRUE(matches("cache/**", "cache/a"));
  EXPECT_TRUE(matches("cache/**", "cache/a/b"));
  EXPECT_FALSE(matches("cache/**", "cache"));
  EXPECT_FALSE(matches("cache/**", "x/cache/a"));
  EXPECT_TRUE(matches("/top", "top"));
  EXPECT_FALSE(matches("/top", "x/top"));
  EXPECT_TRUE(matches("a/*/c", "a/b/c"));
  EXPECT_FALSE(matches("a/*/c", "a/b/b/c"));
  EXPECT_FALSE(matches("a/*", "a/b/c"));
}

TEST(Exclude, TwoStarsCrossDirectories) {
  EXPECT_TRUE(matches("**/cache/**", "cache/a"));
  EXPECT_TRUE(matches("**/cache/**", "x/y/cache/a/b"));
  EXPECT_FALSE(matches("**/cache/**", "x/mycache/a"));
  EXPECT_TRUE(matches("a/**/b", "a/b"));
  EXPECT_TRUE(matches("a/**/b", "a/x/y/b"));
  EXPECT_FALSE(matches("a/**/b", "a/xb"));
  EXPECT_TRUE(matches("a/x**", "a/x/y/z"));
}

TEST(Exclude, TrailingSlashMatchesDirectoriesOnly) {
  EXPECT_TRUE(matches("build/", "x/build", true));
  EXPECT_FALSE(matches("build/", "x/build", false));
  EXPECT_TRUE(matches("/build/", "build", true));
  EXPECT_FALSE(matches("/build/", "x/build", true));
  EXPECT_TRUE(Exclude({"a", "build/"}).asks_for_directories());
}

TEST(Exclude, ClassesAndEscapes) {
  EXPECT_TRUE(matches("log.[0-9]", "log.7"));
  EXPECT_FALSE(matches("log.[0-9]", "log.x"));
  EXPECT_TRUE(matches("log.[!0-9]", "log.x"));
  EXPECT_FALSE(matches("a[!b]c/d", "a/c/d"));
  EXPECT_TRUE(matches("[]x]", "]"));
  EXPECT_TRUE(matches("a?c", "abc"));
  EXPECT_FALSE(matches("x/a?c", "x/a/c"));
  EXPECT_TRUE(matches("\\*", "*"));
  EXPECT_FALSE(matches("\\*", "x"));
  EXPECT_TRUE(matches("[\\]]", "]"));
  EXPECT_TRUE(matches("\xff*", "\xff\xfe"));
}

TEST(Exclude, RefusesMalformedPatterns) {
  for (const char* pattern : {"", "/", "[a", "a\\", "[", "[]"}) {
    try {
      const Exclude made({pattern});
      FAIL() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::configuration);
    }
  }
}

// A matcher that backtracks would need longer than the universe exists.
TEST(Exclude, IsNeverExponential) {
  std::string pattern;
  for (int i = 0; i < 60; ++i) pattern += "*a";
  EXPECT_FALSE(matches(pattern + "b", std::string(250, 'a')));
  pattern.clear();
  for (int i = 0; i < 60; ++i) pattern += "**/a";
  EXPECT_FALSE(matches("x/" + pattern + "/b", "x/" + std::string(4000, 'a')));
}

}  // namespace
}  // namespace salvor::stores::disk
