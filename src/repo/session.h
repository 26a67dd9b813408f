#pragma once

#include <memory>
#include <span>

#include "repo/repository.h"

namespace salvor::repo {

/// What a session did. Units: bytes; stored = as they lie in packs.
struct SessionCounters {
  std::uint64_t bytes_stored = 0;
  std::uint64_t chunks_new = 0;
  std::uint64_t chunks_known = 0;
};

/// One writer: uploads chunks and trees, and commits one recovery point.
/// Threads: store(), store_node(), knows(), counters() any; commit() and abandon() one, when all
/// others are done.
/// Lifetime: shorter than the repository's. Destruction without commit() or abandon() leaves the
/// repository as a kill would.
class Session {
 public:
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Hashes, and stores what is not known yet: neighbouring small pieces are compressed together.
  /// Does all its work on the calling thread, but for the upload.
  /// Shape: ids.size() == pieces.size(); each piece is 1 to kFrameBytesMax / 2 bytes.
  /// Errors: whatever an upload met, also one of another thread's.
  void store(std::span<const ByteView> pieces, std::span<ChunkId> ids);

  ChunkId store_node(ByteView node);
  TreeBuilder tree();

  /// Whether a chunk can be referred to: it is in a pack that exists, or claimed by this session.
  bool knows(const ChunkId& id) const;

  SessionCounters counters() const;

  /// Makes all uploads durable, then commits. `point.id` is made here, and returned.
  /// Errors: unreachable: it may be committed or not; see points() after a refresh().
  PointId commit(Point point);

  /// Ends without a point; what was uploaded is found by the next session. Never throws.
  void abandon() noexcept;

 private:
  friend class Repository;
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace salvor::repo
