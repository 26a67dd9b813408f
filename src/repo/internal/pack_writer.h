#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <list>
#include <thread>

#include "repo/internal/core.h"

namespace salvor::repo {

/// Fills packs from many threads, and uploads them from threads of its own. At most kLivePacksMax
/// packs are in memory; who would need another waits.
/// Threads: append() and bytes_stored() any; the rest one, when all append() have returned.
/// Lifetime: destruction gives up what is not uploaded.
class PackWriter {
 public:
  explicit PackWriter(Repository::Core& core);
  ~PackWriter();
  PackWriter(const PackWriter&) = delete;
  PackWriter& operator=(const PackWriter&) = delete;

  /// Errors: what an upload met before.
  void append(PackKind kind, FrameType type, ByteView stored_plain, std::size_t content,
              std::vector<ChunkInfo> chunks);

  /// Uploads the open pack of this kind, and waits until all packs are durable.
  void finish(PackKind kind);

  /// After a failure: uploads what is whole, as far as that still works. Never throws.
  void finish_what_can_be() noexcept;

  /// Writes index runs over all durable packs that no run names yet, and over `more`.
  /// Shape: all runs of this writer that were not taken before.
  std::vector<IndexRunId> take_runs(std::vector<PackDirectory> more);

  std::uint64_t bytes_stored() const { return bytes_stored_; }

 private:
  struct Filling {
    explicit Filling(OpenPack pack_) : pack(std::move(pack_)) {}
    OpenPack pack;
    int sealing = 0;
    bool closed = false;
  };
  using FillingPlace = std::list<Filling>::iterator;

  FillingPlace& open_of(PackKind kind) { return kind == PackKind::data ? data_ : tree_; }
  void make_room(std::unique_lock<std::mutex>& lock, PackKind kind, std::size_t plain_bytes,
                 std::size_t chunks);
  void close(PackKind kind);
  void enqueue_if_whole(FillingPlace place);
  void run(const std::stop_token& stop);
  void upload(FillingPlace place);
  void write_full_run(std::unique_lock<std::mutex>& lock);
  IndexRunId write_run(const std::vector<PackDirectory>& packs);
  void rethrow() const;

  Repository::Core& core_;
  mutable std::mutex mutex_;  ///< guards everything below up to bytes_stored_
  std::condition_variable_any changed_;
  std::list<Filling> live_;
  FillingPlace data_;
  FillingPlace tree_;
  std::deque<FillingPlace> queue_;
  std::size_t uploading_ = 0;  ///< packs that a thread of ours is at
  std::vector<Bytes> buffers_;
  std::vector<PackDirectory> finished_;  ///< durable, and in no run yet
  std::size_t finished_chunks_ = 0;
  std::vector<IndexRunId> runs_;
  std::exception_ptr failure_;
  std::atomic<std::uint64_t> bytes_stored_{0};
  std::vector<std::jthread> threads_;  ///< last: they stop before the rest goes
};

}  // namespace salvor::repo
