#pragma once

#include <map>
#include <unordered_set>

#include "repo/check.h"
#include "repo/internal/core.h"

namespace salvor::repo {

/// One verification. Threads: run() one; it has threads of its own for the packs.
class Checker {
 public:
  Checker(Repository::Core& core, const NodeReader& read, const CheckOptions& options)
      : core_(core), read_(read), options_(options) {}

  CheckReport run();

 private:
  using ChunkSet = std::unordered_set<ChunkId, IdHash>;

  void damage(const std::string& object, const std::string& what);
  void note(const std::string& object, const std::string& what);
  void check_slots();
  void check_log();
  void check_checkpoints();
  void check_runs();
  void check_packs();
  void check_pack_bytes(const PackInfo& pack, std::uint64_t size);
  std::vector<ChunkId> damaged_chunks(const PackDirectory& directory, ByteView object);
  void distrust(const PackDirectory& directory);
  void damaged_pack(const PackId& id, const std::string& what);
  void unreadable_pack(const PackId& id, const std::string& what);
  std::optional<Bytes> read_pack(const PackId& id, std::uint64_t size);
  void check_bytes_of_packs(const std::map<PackId, std::uint64_t>& listed);
  void check_set_aside();
  bool is_elsewhere(const ChunkId& id);
  void judge_missing_packs();
  void check_trees();
  void check_records();
  bool check_subtree(const Point& point, const Snapshot& snapshot, const ChunkId& id,
                     const Bytes& first_key);
  bool can_be_read(const Ref& ref);
  bool check_record(const Point& point, const Snapshot& snapshot, const Record& record);
  void add_affected(const Point& point, const Snapshot& snapshot, const Bytes& key, bool and_more);

  Repository::Core& core_;
  const NodeReader& read_;
  const CheckOptions& options_;
  CheckReport report_;
  std::mutex mutex_;  ///< guards the report's lists and bad_ while packs are read
  std::map<PackId, std::uint64_t> named_;  ///< what the index runs name: packs and their sizes
  std::vector<PackId> missing_packs_;
  PackSet left_out_;  ///< of the index, by an earlier repair
  ChunkSet bad_;      ///< chunks that are damaged in one place at least
  ChunkSet absent_;   ///< chunks that are in no pack
  ChunkSet lost_;     ///< chunks of content that a point needs, and nobody has
  bool nodes_lost_ = false;
  ChunkSet sound_nodes_;
};

}  // namespace salvor::repo
