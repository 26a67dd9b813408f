#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace salvor {

/// Where randomness comes from, so that tests own it.
/// Threads: any.
/// Errors:  failed, when the kernel gives none.
class Rng {
 public:
  virtual ~Rng() = default;
  /// Fills all of `out`.
  virtual void fill(MutableByteView out) = 0;

  std::uint64_t next_u64();

  /// The kernel's generator (getrandom), fit for keys.
  static Rng& system();
};

/// A new random id of the given type: `random_id<PackId>(rng)`.
template <class SomeId>
SomeId random_id(Rng& rng) {
  SomeId id;
  rng.fill(id.mutable_bytes());
  return id;
}

}  // namespace salvor
