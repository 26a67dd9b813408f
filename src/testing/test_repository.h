#pragma once

#include <map>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "codec/sealed_box.h"
#include "repo/check.h"
#include "repo/session.h"

/// Repositories that suit tests: chunks are small, so that little data makes many, and a key that
/// costs nothing to use.
namespace salvor::testing {

inline constexpr codec::ChunkerLimits kSmallChunks{4096, 8192, 16384};

/// One X25519 pair, made once a process: the holder of the first slot.
const codec::BoxKeyPair& test_holder();

/// Slots and credentials, for a pair of keys, and for a passphrase at the least cost.
repo::NewSlot slot_for(const codec::BoxKeyPair& holder, std::string label = "a key file");
repo::NewSlot slot_for(std::string_view passphrase);
repo::Credentials credentials_of(const codec::BoxKeyPair& holder);
repo::Credentials credentials_of(std::string_view passphrase);

void create_repository(backend::Backend& backend,
                       const codec::ChunkerLimits& limits = kSmallChunks);
std::unique_ptr<repo::Repository> open_repository(backend::Backend& backend,
                                                  repo::Access access = repo::Access::read,
                                                  Rng& rng = Rng::system());

/// Key → content. Content is stored in chunks of `chunk_bytes`.
using Contents = std::map<std::string, std::string>;

/// Commits a point of service "service" with one store "store".
repo::PointId commit_contents(repo::Repository& repository, const Contents& contents,
                              std::size_t chunk_bytes = 1000);

/// What such a point holds.   Errors: corruption.
Contents contents_of(repo::Repository& repository, const repo::Point& point);

/// The damage that a verification finds, a line each; empty when it is sound.
std::string damage_of(const repo::CheckReport& report);
std::string damage_of(backend::Backend& backend, bool data = true);

}  // namespace salvor::testing
