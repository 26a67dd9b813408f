#pragma once

#include <condition_variable>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "stores/disk/exclude.h"
#include "stores/disk/listing.h"
#include "stores/disk/problems.h"

namespace salvor::stores::disk {

/// Which tree is walked, and what is left out.
struct WalkOptions {
  Exclude exclude{{}};
  std::set<std::pair<std::uint64_t, std::uint64_t>> forbidden;  ///< device and inode
  unsigned threads = 8;
  bool one_file_system = false;
};

/// Walks a tree in order of keys, while threads list directories and stat names ahead of it: a cold
/// disk is fast only when many requests are waiting for it. Work is taken nearest first, and the
/// consumer does itself what nobody has begun, so that the bound on what lies ahead can't stop it.
/// What lies ahead takes 24 MB at most (some 100,000 names), and one listing for each thread.
/// Threads: next() one; the rest is the walker's own business.
/// Lifetime: `root` and `problems` must outlive it; destruction ends its threads.
class Walker {
 public:
  struct Found {
    Entry entry;
    std::uint64_t links = 1;  ///< names that the inode has in all
    bool is_there = false;    ///< or it has vanished, or is left out
    bool is_entered = false;  ///< a directory whose content is walked
  };
  struct Visit {
    Bytes key;
    Entry entry;
    std::uint64_t links = 1;
  };

  /// `root`: an open directory.
  Walker(int root, WalkOptions options, Problems& problems);
  ~Walker();
  Walker(const Walker&) = delete;
  Walker& operator=(const Walker&) = delete;

  /// The next thing, the root (empty key) first; empty at the end.
  /// Errors: configuration, when something forbidden is met.
  std::optional<Visit> next();

  /// Complete after the last next().
  std::uint64_t sockets_skipped() const;

 private:
  enum class State { waiting, running, done };
  struct Batch {
    State state = State::waiting;
    std::string order;  ///< the key of its first name, while it waits in the queue
    std::vector<Found> found;
    std::size_t charged_bytes = 0;
  };
  struct Directory {
    std::uint64_t device = 0;
    State state = State::waiting;
    Listing listing;
    std::vector<Batch> batches;
    std::size_t charged_bytes = 0;
  };
  using Directories = std::map<std::string, Directory, std::less<>>;  // by key, in key form
  using Node = Directories::value_type;

  /// One thing to do: to list a directory (and stat its first batch), or to stat another batch.
  struct Work {
    std::string_view order;
    std::size_t batch = 0;
    Node* node = nullptr;
    bool operator<(const Work& other) const {
      return order != other.order ? order < other.order : batch < other.batch;
    }
  };
  /// Where the consumer is: one for each directory on the way down.
  struct Level {
    Node* node = nullptr;  ///< null when its last batch was taken; then the listing is here
    Listing listing;
    std::size_t key_bytes = 0;  ///< of key_ that are this directory's
    std::size_t next_batch = 0;
    std::size_t at = 0;
    std::vector<Found> found;  ///< of the batch before next_batch
  };
  struct Outcome;

  std::optional<Visit> visit_root();
  void enter(const std::string& key);
  bool load_batch(Level& level);

  // With mutex_ held:
  bool may_run(const Work& work) const;
  void enqueue(Work work);
  void charge(std::size_t& charged, std::size_t bytes, std::string_view order);
  void release(std::size_t& charged);
  void wake_one_worker();
  void publish(const Work& work, Outcome outcome);
  void obtain(std::unique_lock<std::mutex>& lock, const Work& work, const State& state);

  // Without it:
  void work_on(std::stop_token stop);
  void perform(std::unique_lock<std::mutex>& lock, const Work& work, Bytes& scratch);
  Outcome list_directory(const Node& node, Bytes& scratch);
  void stat_batch(const Node& node, int directory, const Listing& listing, std::size_t batch,
                  Outcome& outcome);
  void stat_name(const Node& node, int directory, const Listing::Name& name, Found& found,
                 Outcome& outcome);
  void add_problem(const std::string& key, std::string_view action, int error);

  const int root_;
  const WalkOptions options_;
  Problems& problems_;

  // The consumer's own.
  bool started_ = false;
  std::vector<Level> levels_;
  std::string key_;
  Bytes scratch_;

  mutable std::mutex mutex_;  // guards all that follows
  std::condition_variable_any work_arrived_;
  std::condition_variable work_done_;
  Directories directories_;
  std::set<Work> queue_;
  std::size_t ahead_bytes_ = 0;
  std::string farthest_;
  std::size_t idle_ = 0;
  bool consumer_waits_ = false;
  std::uint64_t sockets_skipped_ = 0;
  std::exception_ptr failure_;

  std::vector<std::jthread> threads_;  // last: they end before what they use does
};

}  // namespace salvor::stores::disk
