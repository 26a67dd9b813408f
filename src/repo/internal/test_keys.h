#pragma once

#include "repo/internal/keys.h"
#include "testing/seeded_rng.h"

/// What the tests of this folder share. Only *_test.cc files include it.
namespace salvor::repo {

/// The same keys each time for the same seed.
inline Keys test_keys(std::size_t epochs = 1, std::uint64_t seed = 1) {
  salvor::testing::SeededRng rng(seed);
  KeyRing ring;
  ring.repository = random_id<RepositoryId>(rng);
  for (std::size_t i = 0; i < epochs; ++i) ring.roots.emplace_back(ByteView(rng.bytes(32)));
  ring.description = "none";
  return Keys(std::move(ring));
}

}  // namespace salvor::repo
