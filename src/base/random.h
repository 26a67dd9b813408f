#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace salvor {

/// Where randomness comes from, so that tests own it. Threads: any.
class Rng {
 public:
  virtual ~Rng() = default;
  virtual void fill(MutableByteView out) = 0;

  std::uint64_t next_u64();

  /// The kernel's generator (getrandom), fit for keys.
  static Rng& system();
};

template <class SomeId>
SomeId random_id(Rng& rng) {
  SomeId id;
  rng.fill(id.mutable_bytes());
  return id;
}

}  // namespace salvor
