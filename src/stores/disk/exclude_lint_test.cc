#include <gtest/gtest.h>

#include "base/error.h"
#include "stores/disk/exclude.h"

namespace salvor::stores::disk {
namespace {

/// The error of one pattern of a store at /srv/shop; empty: it is accepted.
std::string refusal_of(const std::string& pattern) {
  try {
    require_matchable({pattern}, "/srv/shop");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::configuration);
    EXPECT_NE(error.message().find("can never match"), std::string::npos) << error.message();
    return error.message() + "\n" + error.hint();
  }
  return {};
}

TEST(ExcludeLintTest, PatternsThatCanNeverMatchAreRefusedWithTheRightOne) {
  for (const auto& [pattern, right] : std::vector<std::pair<std::string, std::string>>{
           {"./x", "write '/x'"},
           {"./x/", "write '/x/'"},
           {"a/./b", "write '/a/b'"},
           {"a//b", "write '/a/b'"},
           {"//a", "write '/a'"},
           {"../x", "relative to the store's path"},
           {"a/../b", "relative to the store's path"},
           {"/srv/shop/x", "write '/x'"},
           {"/srv/shop/cache/**", "write '/cache/**'"},
           {"/srv/shop", "remove the store"},
           {"/srv/shop/", "remove the store"},
           {"~/x", "write '\\\\~'"},
           {"~", "is not expanded"},
           {"!x", "write '\\\\!x'"},
           {"{a,b}", "write one pattern for each: 'a', 'b'"},
           {"*.{jpg,png}/x", "'*.jpg/x', '*.png/x'"}}) {
    const std::string refusal = refusal_of(pattern);
    EXPECT_NE(refusal.find(right.find("\\\\") == std::string::npos ? right : right.substr(0, 7)),
              std::string::npos)
        << pattern << ": " << refusal;
  }
}

TEST(ExcludeLintTest, PatternsThatCanMatchAreAccepted) {
  for (const char* pattern :
       {"x",          "/x",         "x/",         "/x/",    "cache/**", "**/x", "*.tmp",
        "/srv/shop2", "/srv/other", "srv/shop/x", "a!b",    "\\!x",     "\\~",  "a~",
        "{a}",        "a{",         "\\{a,b\\}",  "a,b",    ".x",       "..x",  "x..",
        "[.]",        "...",        "[!a]x",      "/[a-z]*"}) {
    EXPECT_EQ(refusal_of(pattern), "") << pattern;
  }
}

TEST(ExcludeLintTest, ThePatternForAPathMatchesItAndNothingElse) {
  const Exclude exclude({pattern_for("a[1]*/b?")});
  EXPECT_TRUE(exclude.matches("a[1]*/b?", false));
  EXPECT_FALSE(exclude.matches("a1x/bb", false));
  EXPECT_FALSE(exclude.matches("x/a[1]*/b?", false));
}

}  // namespace
}  // namespace salvor::stores::disk
