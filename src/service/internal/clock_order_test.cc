#include "service/internal/clock_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "testing/seeded_rng.h"

namespace salvor::service {
namespace {

using testing::SeededRng;

std::vector<Time> times_of(const std::vector<int>& numbers) {
  std::vector<Time> times;
  for (const int number : numbers) times.push_back({number});
  return times;
}

/// What is believed, as "110" for the first two of three.
std::string believed(const std::vector<int>& numbers) {
  std::string text;
  for (const bool one : believed_times(times_of(numbers))) text += one ? '1' : '0';
  return text;
}

/// The same, by trying every explanation.
std::string believed_by_trial(const std::vector<int>& numbers) {
  std::string best;
  int best_worth = -1;
  for (unsigned mask = 0; mask < 1U << numbers.size(); ++mask) {
    int worth = 0;
    const int* before = nullptr;
    std::string chosen;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const bool in = (mask >> i & 1U) != 0;
      chosen += in ? '1' : '0';
      if (!in) continue;
      worth += before != nullptr && *before > numbers[i] ? -3 : 2;
      before = &numbers[i];
    }
    const auto newest_first = [](const std::string& a, const std::string& b) {
      return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
    };
    if (worth < best_worth || (worth == best_worth && !newest_first(best, chosen))) continue;
    best_worth = worth;
    best = chosen;
  }
  return best;
}

TEST(ClockOrderTest, BelievesWhatIsInOrder) {
  EXPECT_EQ(believed({}), "");
  EXPECT_EQ(believed({7}), "1");
  EXPECT_EQ(believed({1, 2, 2, 3, 1000}), "11111") << "equal times are in order";
}

TEST(ClockOrderTest, OneOrTwoWrongTimesAreNotBelieved) {
  EXPECT_EQ(believed({1, 2, 3, 900, 4, 5}), "111011") << "ahead";
  EXPECT_EQ(believed({1, 2, 3, 900, 901, 4, 5, 6}), "11100111");
  EXPECT_EQ(believed({101, 102, 103, 5, 104}), "11101") << "back";
  EXPECT_EQ(believed({101, 102, 103, 5}), "1110") << "the newest one";
  EXPECT_EQ(believed({101, 102, 103, 5, 6}), "11100");
  EXPECT_EQ(believed({900, 1, 2, 3}), "0111") << "the oldest one";
}

TEST(ClockOrderTest, ThreeThatAgreeShowThatTheClockWasSet) {
  EXPECT_EQ(believed({1, 2, 3, 900, 901, 902, 4, 5, 6}), "111111111");
  EXPECT_EQ(believed({101, 102, 103, 5, 6, 7}), "111111");
}

TEST(ClockOrderTest, OfTwoThatContradictTheNewerOneIsBelieved) {
  EXPECT_EQ(believed({100, 5}), "01");
  EXPECT_EQ(believed({1, 2, 900, 3}), "1101");
}

TEST(ClockOrderTest, IsTheBestOfAllExplanations) {
  const std::uint64_t seed = testing::test_seed();
  SeededRng rng(seed);
  for (int round = 0; round < 3000; ++round) {
    std::vector<int> numbers(rng.below(11));
    for (int& number : numbers) number = static_cast<int>(rng.below(12));
    ASSERT_EQ(believed(numbers), believed_by_trial(numbers)) << "round " << round;
  }
}

TEST(ClockOrderTest, WithoutSomeOfTheDisbelievedTheRestIsBelieved) {
  const std::uint64_t seed = testing::test_seed();
  SeededRng rng(seed);
  for (int round = 0; round < 3000; ++round) {
    std::vector<int> numbers(rng.below(60));
    for (int& number : numbers) number = static_cast<int>(rng.below(100));
    std::vector<int> fewer;
    std::string expected;
    const std::string all = believed(numbers);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (all[i] == '0' && rng.below(2) == 0) continue;
      fewer.push_back(numbers[i]);
      expected += all[i];
    }
    ASSERT_EQ(believed(fewer), expected) << "round " << round;
  }
}

}  // namespace
}  // namespace salvor::service
