#include "base/sleeper.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/clock.h"

namespace salvor {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

TEST(Sleeper, waits_for_the_time_given) {
  const Time start = Clock::system().monotonic();
  EXPECT_TRUE(Sleeper::system().sleep(20, {}));
  EXPECT_GE(Clock::system().monotonic().seconds_since(start), 0.02);
}

TEST(Sleeper, does_not_begin_when_the_stop_was_requested) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(Sleeper::system().sleep(kHourMs, stop.get_token()));
}

TEST(Sleeper, is_woken_by_a_stop) {
  std::stop_source stop;
  bool slept = true;
  {
    const std::jthread sleeper([&] { slept = Sleeper::system().sleep(kHourMs, stop.get_token()); });
    stop.request_stop();
  }
  EXPECT_FALSE(slept);
}

}  // namespace
}  // namespace salvor
