#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <thread>

#include "base/sleeper.h"

namespace salvor::control::internal {

/// A stop that also comes by itself when a time is over.
/// Threads: one; the token any.   Lifetime: the destructor ends its thread.
class Deadline {
 public:
  Deadline(const std::stop_token& parent, std::int64_t limit_s,
           Sleeper& sleeper = Sleeper::system())
      : forward_(parent, [this] { stop_.request_stop(); }),
        timer_([this, limit_s, &sleeper](const std::stop_token& own) {
          constexpr std::int64_t kMsPerSecond = 1000;
          if (!sleeper.sleep(limit_s * kMsPerSecond, own)) return;
          expired_ = true;
          stop_.request_stop();
        }) {}

  std::stop_token token() const { return stop_.get_token(); }
  bool expired() const { return expired_; }

 private:
  std::stop_source stop_;
  std::atomic<bool> expired_{false};
  std::stop_callback<std::function<void()>> forward_;
  std::jthread timer_;
};

}  // namespace salvor::control::internal
