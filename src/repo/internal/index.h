#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "repo/internal/pack.h"

/// Chunk → place in a pack (docs/format.md, section 7).
namespace salvor::repo {

/// Where a chunk lies. Units: bytes; `offset` within the content of the frame.
struct Location {
  PackInfo pack;
  FrameType type = FrameType::data;
  std::uint32_t frame_offset = 0;
  std::uint32_t frame_stored = 0;
  std::uint32_t frame_content = 0;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
};

/// All known chunks, in memory: 28 bytes a slot, about 45 a chunk.
/// Ids are told apart by their first 16 bytes: keyed hashes, so nobody can make two that agree.
/// Threads: any.
class Index {
 public:
  Index();

  /// Adds all chunks of a pack. A chunk that is known already keeps its place, unless that was only
  /// claimed; the new place is one of others().
  void add(const PackDirectory& directory);

  /// True when the chunk was unknown: it is now the caller's to store. Whoever claims and then
  /// fails fails the session, and with it the table.
  bool claim(const ChunkId& id);

  /// Forgets what was claimed and never stored: its session has failed.
  void drop_claims();

  bool contains(const ChunkId& id) const;

  /// Empty when unknown, or claimed and not yet in a finished pack.
  std::optional<Location> find(const ChunkId& id) const;

  /// Where else the chunk lies: two writers had it at once, or it was stored again after damage.
  std::vector<Location> others(const ChunkId& id) const;

  /// Whether a pack of this id has been added.
  bool knows(const PackId& id) const;
  std::vector<PackInfo> packs() const;
  std::size_t chunks() const;

 private:
  struct Slot {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::uint32_t frame = 0;  ///< 0: empty; 1: claimed; else the place in frames_, plus 2
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
  } __attribute__((packed, aligned(4)));

  struct Frame {
    std::uint32_t pack;
    std::uint32_t offset;
    std::uint32_t stored;
    std::uint32_t content : 24;
    std::uint32_t type : 8;
  };

  struct Shard {
    mutable std::mutex mutex;
    std::vector<Slot> slots;
    std::vector<Slot> others;  ///< second places; looked at only where the first is damaged
    std::size_t used = 0;
  };

  static constexpr std::size_t kShards = 64;

  static Slot& slot_of(std::vector<Slot>& slots, std::uint64_t high, std::uint64_t low);
  static void grow(Shard& shard);
  Location location_of(const Slot& slot) const;
  Shard& shard_of(const ChunkId& id) {
    return shards_[static_cast<std::size_t>(id.bytes()[31]) % kShards];
  }
  const Shard& shard_of(const ChunkId& id) const {
    return shards_[static_cast<std::size_t>(id.bytes()[31]) % kShards];
  }

  std::array<Shard, kShards> shards_;
  mutable std::mutex places_mutex_;  ///< guards the three below
  std::vector<PackInfo> packs_;
  std::vector<Frame> frames_;
  std::unordered_map<PackId, std::uint32_t, IdHash> pack_numbers_;
};

std::string index_run_name(const IndexRunId& id);

/// The content of an index run over whole packs; at most kChunksPerRun chunks, unless one pack
/// alone has more.
Bytes encode_index_run(const std::vector<PackDirectory>& packs);

/// Errors: corruption, naming `name`.
std::vector<PackDirectory> decode_index_run(ByteView content, std::string_view name);

}  // namespace salvor::repo
