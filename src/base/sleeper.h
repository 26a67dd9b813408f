#pragma once

#include <cstdint>
#include <stop_token>

namespace salvor {

/// How one waits for time to pass, so that tests do not have to.
/// Threads: any.
class Sleeper {
 public:
  virtual ~Sleeper() = default;

  /// Waits `duration_ms`; false when `stop` was requested before or meanwhile, and then returns at
  /// once.
  virtual bool sleep(std::int64_t duration_ms, std::stop_token stop) = 0;

  static Sleeper& system();
};

}  // namespace salvor
