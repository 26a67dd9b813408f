#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>

#include "base/random.h"

namespace salvor::testing {

/// The seed of a random test: $SALVOR_TEST_SEED, or a new one each time. Printed, so that a failure
/// can be repeated.
inline std::uint64_t test_seed() {
  const char* given = std::getenv("SALVOR_TEST_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : Rng::system().next_u64();
  std::printf("repeat with SALVOR_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  return seed;
}

/// The same numbers for the same seed, on every machine.
/// Threads: any; which thread gets which number is then up to the scheduler.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) : engine_(seed) {}

  void fill(MutableByteView out) override {
    const std::lock_guard lock(mutex_);
    while (!out.empty()) {
      const std::uint64_t value = engine_();
      const std::size_t count = std::min(out.size(), sizeof value);
      std::memcpy(out.data(), &value, count);
      out = out.subspan(count);
    }
  }

  /// A number from 0 to limit - 1; limit is at least 1.
  std::uint64_t below(std::uint64_t limit) { return next_u64() % limit; }

  Bytes bytes(std::size_t count) {
    Bytes result(count);
    fill(result);
    return result;
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;  ///< guarded by mutex_
};

}  // namespace salvor::testing
