#pragma once

#include <atomic>
#include <cstdint>
#include <stop_token>
#include <thread>

#include "base/sleeper.h"

namespace salvor {

/// A stop that is requested when another stop is, or when a time limit has passed. Hand its token()
/// to calls that take a stop, and ask passed() afterwards to tell the two apart:
///     Deadline deadline(stop, 600);
///     target.query(sql, deadline.token(), visit);  // throws (cancelled) at either
///     if (deadline.passed()) …                     // the limit was the reason
/// Threads:  any.
/// Lifetime: the sleeper outlives it. The destructor ends its thread, and waits for that.
class Deadline {
 public:
  /// Begins to count at once. A limit of 0 or less sets none; a limit above a year counts as a
  /// year, since timers hold no more.
  /// Units: seconds.
  Deadline(std::stop_token outer, std::int64_t limit_s, Sleeper& sleeper = Sleeper::system());

  std::stop_token token() const { return stop_.get_token(); }

  /// Whether the time limit has passed. False when only the other stop was requested.
  bool passed() const { return passed_; }

 private:
  /// Passes the other stop on.
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
