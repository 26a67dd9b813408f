#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "base/sleeper.h"

namespace salvor::testing {

/// Does not wait, but writes down how long it should have. `on_sleep`, when given, is called
/// instead of waiting: to advance a FakeClock, say, or to request the stop.
/// Threads: any.
class FakeSleeper final : public Sleeper {
 public:
  explicit FakeSleeper(std::function<void(std::int64_t duration_ms)> on_sleep = {})
      : on_sleep_(std::move(on_sleep)) {}

  bool sleep(std::int64_t duration_ms, std::stop_token stop) override {
    {
      const std::lock_guard lock(mutex_);
      durations_ms_.push_back(duration_ms);
    }
    if (on_sleep_) on_sleep_(duration_ms);
    return !stop.stop_requested();
  }

  std::vector<std::int64_t> durations_ms() const {
    const std::lock_guard lock(mutex_);
    return durations_ms_;
  }

 private:
  const std::function<void(std::int64_t)> on_sleep_;
  mutable std::mutex mutex_;
  std::vector<std::int64_t> durations_ms_;  ///< guarded by mutex_
};

}  // namespace salvor::testing
