#pragma once

#include <cstdint>
#include <stop_token>

namespace salvor {

/// How code waits for time to pass, so that tests need not wait.
/// Threads: any.
class Sleeper {
 public:
  virtual ~Sleeper() = default;

  /// Waits. Returns at once when `stop` is requested.
  /// Units: milliseconds.
  /// Shape: whether the whole time has passed; false when the stop was requested, before or
  ///        meanwhile.
  virtual bool sleep(std::int64_t duration_ms, std::stop_token stop) = 0;

  /// Really waits. It lives as long as the process.
  static Sleeper& system();
};

}  // namespace salvor
