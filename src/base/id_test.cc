#include "base/id.h"

#include <gtest/gtest.h>

#include <set>
#include <type_traits>
#include <unordered_set>

#include "base/random.h"

namespace salvor {
namespace {

using ShortId = Id<struct ShortTag, 8>;
using LongId = Id<struct LongTag, 16>;
using OtherId = Id<struct OtherTag, 16>;

// The reason why there are tags: none of these may compile.
static_assert(!std::is_convertible_v<LongId, OtherId>);
static_assert(!std::is_constructible_v<LongId, OtherId>);
static_assert(!std::is_assignable_v<LongId&, OtherId>);

TEST(Id, TextFormGoesThereAndBack) {
  const auto id = ShortId::parse("0123456789abcdef");
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->hex(), "0123456789abcdef");
  EXPECT_EQ(std::to_integer<int>(id->bytes()[0]), 0x01);
  EXPECT_EQ(ShortId(id->bytes()), *id);
}

TEST(Id, RefusesOtherTexts) {
  for (const std::string_view text :
       {"", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg"}) {
    EXPECT_FALSE(ShortId::parse(text).has_value()) << text;
  }
}

TEST(Id, ZeroIsWhatNobodyHasSet) {
  EXPECT_TRUE(LongId().is_zero());
  EXPECT_EQ(LongId().hex(), std::string(32, '0'));
  LongId id;
  id.mutable_bytes()[15] = std::byte{1};
  EXPECT_FALSE(id.is_zero());
}

TEST(Id, OrderIsThatOfTheTexts) {
  std::set<ShortId> ids;
  for (const std::string_view text : {"ff00000000000000", "00000000000000ff", "7f00000000000000",
                                      "8000000000000000", "0000000000000000"}) {
    ids.insert(ShortId::parse(text).value());
  }
  std::string before;
  for (const ShortId& id : ids) {
    EXPECT_LT(before, id.hex());
    before = id.hex();
  }
  EXPECT_EQ(ids.size(), 5U);
}

TEST(Id, RandomOnesDiffer) {
  std::unordered_set<LongId, IdHash> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(random_id<LongId>(Rng::system()));
  EXPECT_EQ(ids.size(), 1000U);
}

}  // namespace
}  // namespace salvor
