#pragma once

#include "codec/hash.h"
#include "repo/internal/keys.h"

/// What the tests of this folder share. Only *_test.cc files include it.
namespace salvor::repo {

/// The same keys each time for the same seed.
inline Keys test_keys(std::size_t epochs = 1, std::uint64_t seed = 1) {
  codec::Digest digest = codec::sha256(as_bytes(std::to_string(seed)));
  KeyRing ring;
  ring.repository = RepositoryId(ByteView(digest).first<RepositoryId::kSize>());
  for (std::size_t i = 0; i < epochs; ++i) {
    digest = codec::sha256(digest);
    ring.roots.emplace_back(ByteView(digest));
  }
  ring.description = "none";
  return Keys(std::move(ring));
}

}  // namespace salvor::repo
