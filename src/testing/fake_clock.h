#pragma once

#include <atomic>
#include <cmath>

#include "base/clock.h"

namespace salvor::testing {

/// A clock that stands still until a test moves it. It begins at 2026-01-02T03:04:05Z.
/// Threads: any.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Time start = {1'767'323'045'000'000'000}) : now_ns_(start.ns) {}

  Time now() override { return {now_ns_}; }
  Time monotonic() override { return {monotonic_ns_}; }

  /// Time passes.
  void advance(double seconds) {
    const auto ns = std::llround(seconds * 1e9);
    monotonic_ns_ += ns;
    now_ns_ += ns;
  }

  /// Somebody sets the wall clock, back perhaps; the monotonic clock does not notice.
  void set(Time time) { now_ns_ = time.ns; }

 private:
  std::atomic<std::int64_t> now_ns_;
  std::atomic<std::int64_t> monotonic_ns_{1'000'000'000};
};

}  // namespace salvor::testing
