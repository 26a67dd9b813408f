#include "base/nearest_name.h"

#include <gtest/gtest.h>

#include <array>

namespace salvor {
namespace {

constexpr std::array<std::string_view, 4> kKeys{"passphrase_file", "url", "exclude", "path"};

TEST(NearestNameTest, FindsTypingErrors) {
  EXPECT_EQ(nearest_name("exlude", kKeys), "exclude");
  EXPECT_EQ(nearest_name("exculde", kKeys), "exclude");
  EXPECT_EQ(nearest_name("passphrase-file", kKeys), "passphrase_file");
  EXPECT_EQ(nearest_name("ulr", kKeys), "url");
  EXPECT_EQ(nearest_name("paths", kKeys), "path");
}

TEST(NearestNameTest, DoesNotGuessWildly) {
  EXPECT_FALSE(nearest_name("retention", kKeys));
  EXPECT_FALSE(nearest_name("x", kKeys));
  EXPECT_FALSE(nearest_name("", kKeys));
  EXPECT_FALSE(nearest_name(std::string(100'000, 'a'), kKeys));
  EXPECT_FALSE(nearest_name("a", {}));
}

TEST(NearestNameTest, Suggests) {
  EXPECT_EQ(suggest("exlude", kKeys), "did you mean \"exclude\"?");
  EXPECT_EQ(suggest("zebra", kKeys), "expected one of: passphrase_file, url, exclude, path");
  EXPECT_EQ(suggest("zebra", {}), "");
}

}  // namespace
}  // namespace salvor
