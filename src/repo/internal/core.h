#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "repo/internal/index.h"
#include "repo/internal/log.h"
#include "repo/internal/slots.h"
#include "repo/repository.h"

namespace salvor::repo {

/// Decoded frames that were read last, by pack and offset. Bounded in bytes. Threads: any.
class FrameCache {
 public:
  explicit FrameCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  std::shared_ptr<const Bytes> find(const PackId& pack, std::uint32_t offset);
  void add(const PackId& pack, std::uint32_t offset, std::shared_ptr<const Bytes> frame);

 private:
  struct Frame {
    PackId pack;
    std::uint32_t offset;
    std::shared_ptr<const Bytes> content;
  };
  std::mutex mutex_;
  std::deque<Frame> frames_;  ///< the newest in front
  std::size_t bytes_ = 0;
  const std::size_t bytes_max_;
};

using PackSet = std::unordered_set<PackId, IdHash>;

/// What repository, session and check share.
/// Threads: the index, the caches and the backend any; log_state and findings as Repository says.
struct Repository::Core {
  Core(backend::Backend& backend_, Keys keys_, Clock& clock_, Rng& rng_);

  backend::Backend& backend;
  Clock& clock;
  Rng& rng;
  Keys keys;
  codec::Chunker chunker;
  Log log;
  LogState log_state;
  SlotId opened_with;
  Access access = Access::read;
  bool salvaged = false;      ///< log_state was put together from what is left
  bool session_open = false;  ///< one writes; its claims are nobody else's to refer to

  std::mutex findings_mutex;
  std::vector<Finding> findings;

  std::mutex index_mutex;  ///< held while the index is loaded
  std::unique_ptr<Index> index;
  std::atomic<bool> index_loaded{false};
  /// A session is open, or ended without naming all its packs in the log: what the index knows of
  /// them must not outlive it.
  bool index_dirty = false;
  std::unordered_set<IndexRunId, IdHash> loaded_runs;
  std::unordered_map<PackId, std::uint64_t, IdHash> present;  ///< packs that exist, when writing

  FrameCache node_frames{8U << 20U};
  FrameCache data_frames{16U << 20U};

  void note(Finding finding);
  Log::Finding log_findings();

  /// Errors: configuration: a sound object of the log or the index is of an epoch that the key ring
  /// has no key for. Then the ring is older than the repository, and nothing may be taken for
  /// damaged that it can't open.
  void refuse_outdated_keys();

  /// Loads the index on first use. A run that is missing or damaged is made good from the packs.
  Index& chunks();

  /// Adds the runs that have been logged since the index was loaded; forgets it when some have been
  /// withdrawn.
  void load_new_runs();

  /// The directories of a run. Errors: corruption, not_found.
  std::vector<PackDirectory> read_run(const IndexRunId& id);

  /// The packs that a repair has taken out of the index because the medium did not give them. No
  /// writer relies on them until another repair finds them whole.
  PackSet left_out_packs();

  /// Reads the directories of all packs that the index does not know, and adds them.
  /// What is damaged becomes a finding.
  std::vector<PackDirectory> adopt_unknown_packs(Index& into);

  /// What the index runs say of these packs.
  std::vector<PackDirectory> directories_of(const std::vector<PackId>& packs);

  /// Writes the descriptions of points that are in no pack any more. Shape: how many.
  std::size_t mend_point_descriptions();

  /// The log's state as far as log, checkpoints and packs still tell it; `why` is noted.
  LogState salvaged_state(const Error& why);

  bool writes() const { return access == Access::write || access == Access::repair; }

  std::vector<PackId> list_packs(bool remember_sizes);
  std::shared_ptr<const Bytes> frame_of(const Location& location, FrameCache& cache);

  /// The chunk at a location, verified. `type`: what it must be.
  ByteView verified(const ChunkId& id, FrameType type, const Location& location,
                    ByteView frame) const;
  Location locate(const ChunkId& id);

  /// The chunk, verified, from the first place where it is whole. Errors: corruption.
  Bytes read(const ChunkId& id, FrameType type);

  /// The same without its first place; empty when no other is whole.
  std::optional<Bytes> read_elsewhere(const ChunkId& id, FrameType type);

 private:
  void load_index();
  void load_runs(Index& into, bool adopt);
};

}  // namespace salvor::repo
