#pragma once

#include <utility>

#include "repo/internal/keys.h"

/// The keys of a repository that fuzz targets seal with, always the same: so that a fuzzer gets
/// behind the authentication, as somebody with the keys and a broken program would.
namespace salvor::fuzz {

inline const repo::Keys& fixed_keys() {
  static const repo::Keys keys = [] {
    repo::KeyRing ring;
    const Bytes id(repo::RepositoryId::kSize, std::byte{0x11});
    ring.repository = repo::RepositoryId(
        std::span<const std::byte, repo::RepositoryId::kSize>(id.data(), id.size()));
    ring.roots.emplace_back(Bytes(32, std::byte{0x44}));
    return repo::Keys(std::move(ring));
  }();
  return keys;
}

/// An id whose bytes are all `value`.
template <class SomeId>
SomeId id_of(std::uint8_t value) {
  SomeId id;
  for (std::byte& byte : id.mutable_bytes()) byte = std::byte{value};
  return id;
}

/// The fuzzer's input. Lifetime: one run.
inline ByteView input(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}

}  // namespace salvor::fuzz
