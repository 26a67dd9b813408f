#pragma once

#include "repo/internal/keys.h"
#include "testing/seeded_rng.h"

/// Keys for the tests of the repository.
namespace salvor::testing {

/// The same keys each time for the same seed.
inline repo::Keys test_keys(std::size_t epochs = 1, std::uint64_t seed = 1) {
  SeededRng rng(seed);
  repo::KeyRing ring;
  ring.repository = random_id<repo::RepositoryId>(rng);
  for (std::size_t i = 0; i < epochs; ++i) ring.roots.emplace_back(ByteView(rng.bytes(32)));
  ring.description = "none";
  return repo::Keys(std::move(ring));
}

}  // namespace salvor::testing
