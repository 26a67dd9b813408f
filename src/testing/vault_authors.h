#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "repo/internal/log_keys.h"
#include "repo/internal/vault_state.h"
#include "testing/seeded_rng.h"

/// Those who write into the log of a vault, for the tests of the repository.
namespace salvor::testing {

/// A key ring of so many epochs, and one vault. The same each time for the same seed.
class VaultAuthors {
 public:
  explicit VaultAuthors(std::size_t epochs = 1, std::uint64_t seed = 1) : rng_(seed) {
    ring_.repository = random_id<repo::RepositoryId>(rng_);
    vault_ = random_id<repo::VaultId>(rng_);
    for (std::size_t i = 0; i < epochs; ++i) ring_.roots.emplace_back(ByteView(rng_.bytes(32)));
  }

  /// The log before its first entry.
  repo::VaultState empty() const { return {{ring_.repository, vault_}, 0, full().author(0)}; }

  /// Who holds the key ring, with its first `epochs` epochs; 0 for all.
  repo::LogKeys full(std::size_t epochs = 0) const {
    return repo::LogKeys::of_full(ring_of(epochs), vault_);
  }

  /// A granted host of that name.
  repo::LogKeys granted(const std::string& host) const {
    std::vector<Secret> seals;
    for (std::uint32_t epoch = 0; epoch < ring_.roots.size(); ++epoch) {
      const Secret from = repo::vault_key(ring_, epoch, vault_);
      seals.push_back(repo::log_seal(from.view(), vault_));
    }
    const codec::Digest seed = codec::sha256(as_bytes("host " + host));
    return {{ring_.repository, vault_}, std::move(seals), seed};
  }

 private:
  repo::KeyRing ring_of(std::size_t epochs) const {
    repo::KeyRing ring;
    ring.repository = ring_.repository;
    for (const Secret& root : ring_.roots) {
      if (epochs == 0 || ring.roots.size() < epochs) ring.roots.push_back(root.clone());
    }
    return ring;
  }

  SeededRng rng_;
  repo::KeyRing ring_;
  repo::VaultId vault_;
};

}  // namespace salvor::testing
