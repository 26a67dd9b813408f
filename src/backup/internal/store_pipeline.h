#pragma once

#include "backup/backup.h"
#include "backup/internal/content.h"
#include "base/error.h"

namespace salvor::backup {

/// Where the previous snapshot of the same store is.
struct Previous {
  repo::ChunkId root;
  std::uint64_t entries = 0;
  std::uint64_t content_bytes = 0;
};

/// Reads one marked source into one tree. Entries are announced in order, worked on by many
/// threads, and added to the tree in order again; the window between the two is bounded. Threads:
/// run() one.   Lifetime: for one store.
class StorePipeline {
 public:
  StorePipeline(repo::Repository& repository, repo::Session& session, const StoreInput& input,
                const std::optional<Previous>& previous, const Options& options);

  /// The snapshot, without times.
  /// Shape: problems: everything that could not be read.
  repo::Snapshot run(std::vector<stores::Problem>& problems);

 private:
  bool announce();
  void read_all();
  repo::Snapshot sum_up(std::uint64_t bytes_before, std::vector<stores::Problem>& problems);
  bool take_over(PendingItem& pending);
  bool find_in_previous(PendingItem& pending);
  void distrust_previous(const Error& error);
  void queue(PendingItem& pending);
  void submit_batch();
  bool emit_front();
  void emit(PendingItem& pending);
  void keep_within_limits(PendingItem& pending);
  void emit_content(PendingItem& pending);
  void mend_hard_link(PendingItem& pending);
  void wait_for_front();
  void wake();

  repo::Session& session_;
  const StoreInput& input_;
  const Options& options_;
  std::optional<repo::TreeCursor> previous_;
  repo::TreeBuilder builder_;
  repo::Snapshot snapshot_;
  Progress own_progress_;
  Progress* progress_;

  std::deque<std::unique_ptr<PendingItem>> window_;
  std::size_t window_refs_ = 0;  ///< in the records that were taken over
  std::vector<PendingItem*> batch_;
  std::size_t batch_bytes_ = 0;
  /// First names of hard-linked files that are not in the tree, and who stands in for them.
  std::map<Bytes, Bytes> lost_first_names_;

  std::mutex mutex_;  ///< with changed_, wakes the thread of run()
  std::condition_variable changed_;
  ContentStore content_;
  WorkerPool pool_;  ///< last: its tasks end before the rest goes
};

}  // namespace salvor::backup
