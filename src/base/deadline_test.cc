#include "base/deadline.h"

#include <gtest/gtest.h>

#include <future>

namespace salvor {
namespace {

/// Time is up when the test says so.
class HeldSleeper : public Sleeper {
 public:
  bool sleep(std::int64_t duration_ms, std::stop_token stop) override {
    asked_ms = duration_ms;
    asked.set_value();
    const std::stop_callback wake(stop, [this] { end(false); });
    return over.get_future().get();
  }

  void end(bool is_over) {
    if (!ended.exchange(true)) over.set_value(is_over);
  }

  std::int64_t asked_ms = 0;
  std::promise<void> asked;
  std::promise<bool> over;
  std::atomic<bool> ended{false};
};

TEST(DeadlineTest, StopsWhenTimeIsUp) {
  HeldSleeper sleeper;
  std::promise<void> stopped;
  const Deadline deadline({}, 7, sleeper);
  const std::stop_callback told(deadline.token(), [&] { stopped.set_value(); });
  sleeper.asked.get_future().get();
  EXPECT_EQ(sleeper.asked_ms, 7000);
  EXPECT_FALSE(deadline.passed());
  sleeper.end(true);
  stopped.get_future().get();
  EXPECT_TRUE(deadline.passed());
}

TEST(DeadlineTest, AnotherStopIsNotTheEndOfTheTime) {
  HeldSleeper sleeper;
  std::stop_source outer;
  const Deadline deadline(outer.get_token(), 7, sleeper);
  outer.request_stop();
  EXPECT_TRUE(deadline.token().stop_requested());
  EXPECT_FALSE(deadline.passed());
}

TEST(DeadlineTest, WithoutALimitOnlyTheOtherStopEndsIt) {
  HeldSleeper sleeper;
  std::stop_source outer;
  const Deadline deadline(outer.get_token(), 0, sleeper);
  EXPECT_FALSE(deadline.token().stop_requested());
  outer.request_stop();
  EXPECT_TRUE(deadline.token().stop_requested());
}

TEST(DeadlineTest, AVeryLongLimitFitsTheTimers) {
  HeldSleeper sleeper;
  const Deadline deadline({}, std::numeric_limits<std::int64_t>::max(), sleeper);
  sleeper.asked.get_future().get();
  EXPECT_EQ(sleeper.asked_ms, std::int64_t{366} * 24 * 3600 * 1000);
}

}  // namespace
}  // namespace salvor
