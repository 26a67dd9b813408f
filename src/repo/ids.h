#pragma once

#include <cstdint>

#include "base/id.h"

/// The identifiers of a repository, each of its own type (docs/format.md, section 2).
namespace salvor::repo {

using RepositoryId = Id<struct RepositoryTag, 16>;
using ChunkId = Id<struct ChunkTag, 32>;
using PackId = Id<struct PackTag, 16>;
using IndexRunId = Id<struct IndexRunTag, 16>;
using SessionId = Id<struct SessionTag, 16>;
using PointId = Id<struct PointTag, 8>;
using SlotId = Id<struct SlotTag, 8>;
using VaultId = Id<struct VaultTag, 16>;
using ArchiveId = Id<struct ArchiveTag, 16>;

/// A public Ed25519 key: who has signed an entry of a log.
using AuthorKey = Id<struct AuthorTag, 32>;

/// The number of the `begin` entry of a session. 0 is no session.
using SessionNumber = std::uint64_t;

}  // namespace salvor::repo
