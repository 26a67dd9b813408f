#pragma once

#include <atomic>
#include <cstdint>
#include <stop_token>
#include <thread>

#include "base/sleeper.h"

namespace salvor {

/// A stop that comes with another one, or by itself when time is up.
/// Threads:  any.
/// Lifetime: the destructor ends its thread; the sleeper outlives it.
class Deadline {
 public:
  /// Units: seconds; 0 or less: time is never up. A limit of more than a year is one of a year.
  Deadline(std::stop_token outer, std::int64_t limit_s, Sleeper& sleeper = Sleeper::system());

  std::stop_token token() const { return stop_.get_token(); }

  /// Whether time was up, and not only the other stop requested.
  bool passed() const { return passed_; }

 private:
  struct Forward {
    std::stop_source stop;
    void operator()() const { stop.request_stop(); }
  };

  std::stop_source stop_;
  std::atomic<bool> passed_{false};
  std::stop_callback<Forward> forward_;
  std::jthread timer_;  ///< last: it ends before the rest goes
};

}  // namespace salvor
