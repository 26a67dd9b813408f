#include "repo/internal/pack_ranges.h"

#include <gtest/gtest.h>

#include <set>

#include "testing/seeded_rng.h"

namespace salvor::repo {
namespace {

TEST(PackNumbersTest, neighbours_become_one_range) {
  PackNumbers numbers;
  numbers.add(5, 7);
  numbers.add(0, 1);
  EXPECT_EQ(numbers.ranges().size(), 2U);
  numbers.add(2, 4);
  ASSERT_EQ(numbers.ranges().size(), 1U);
  EXPECT_EQ(numbers.ranges()[0], (PackNumbers::Range{0, 7}));
  numbers.remove(3, 3);
  EXPECT_EQ(numbers.ranges().size(), 2U);
  EXPECT_EQ(numbers.count(), 7U);
}

TEST(PackNumbersTest, the_greatest_number_is_a_number) {
  PackNumbers numbers;
  numbers.add(0xFFFFFFFE, 0xFFFFFFFF);
  numbers.add(0xFFFFFFFF, 0xFFFFFFFF);
  EXPECT_TRUE(numbers.contains(0xFFFFFFFF));
  numbers.remove(0xFFFFFFFF, 0xFFFFFFFF);
  EXPECT_FALSE(numbers.contains(0xFFFFFFFF));
  EXPECT_TRUE(numbers.contains(0xFFFFFFFE));
  numbers.add(0, 0xFFFFFFFF);
  EXPECT_EQ(numbers.count(), 0x100000000U);
}

TEST(PackNumbersTest, it_is_a_set) {
  testing::SeededRng rng(testing::test_seed());
  for (int round = 0; round < 200; ++round) {
    PackNumbers numbers;
    std::set<std::uint32_t> plain;
    for (int step = 0; step < 40; ++step) {
      const auto first = static_cast<std::uint32_t>(rng.below(30));
      const auto last = first + static_cast<std::uint32_t>(rng.below(6));
      const bool adds = rng.below(3) != 0;
      adds ? numbers.add(first, last) : numbers.remove(first, last);
      for (std::uint32_t n = first; n <= last; ++n) {
        if (adds) plain.insert(n);
        if (!adds) plain.erase(n);
      }
      ASSERT_EQ(numbers.count(), plain.size());
      for (std::uint32_t n = 0; n < 40; ++n) ASSERT_EQ(numbers.contains(n), plain.contains(n));
      for (std::size_t i = 1; i < numbers.ranges().size(); ++i) {
        ASSERT_GT(numbers.ranges()[i].first, numbers.ranges()[i - 1].last + 1) << "they touch";
      }
    }
  }
}

}  // namespace
}  // namespace salvor::repo
