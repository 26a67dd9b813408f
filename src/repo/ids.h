#pragma once

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

}  // namespace salvor::repo
