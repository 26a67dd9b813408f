#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <set>
#include <span>
#include <thread>

#include "base/error.h"
#include "base/worker_pool.h"
#include "checks/checks.h"
#include "checks/internal/content_check.h"
#include "checks/internal/judge.h"

namespace salvor::checks {
namespace {

using stores::Entry;
using stores::EntryKind;

/// Files up to so many chunks are compared by other threads, in batches; the rest by the walker.
constexpr std::size_t kRefsHeldMax = 4096;
constexpr std::size_t kBatchFilesMax = 64;
constexpr std::uint64_t kBatchBytesMax = 8U << 20U;
constexpr std::ptrdiff_t kBatchesInFlightMax = 32;

/// Counts what differs, and keeps the first ones in order of keys.   Threads: any.
class Differences {
 public:
  void add(const Bytes& key, const std::string& what) {
    const std::lock_guard lock(mutex_);
    add_locked(key, what);
  }

  /// As add(), but for what the walker and the reader may both report: it counts once.
  void add_unreadable(const Bytes& key, const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (unreadable_.insert(key).second) add_locked(key, what);
  }

  std::uint64_t count() const { return count_; }

  std::string lines() const {
    std::string lines;
    for (const auto& [key, what] : first_) {
      const std::string path = printable(stores::path_of_key(key));
      lines += (path.empty() ? "the store itself" : path) + " " + what + "\n";
    }
    return lines;
  }

 private:
  void add_locked(const Bytes& key, const std::string& what) {
    ++count_;
    first_.emplace(key, what);
    if (first_.size() > kNamedMax) first_.erase(std::prev(first_.end()));
  }

  std::mutex mutex_;  ///< while threads run, guards all below
  std::uint64_t count_ = 0;
  std::multimap<Bytes, std::string> first_;
  std::set<Bytes> unreadable_;
};

/// One file whose bytes are to be compared.
struct FileToCompare {
  stores::Item item;
  std::vector<repo::Ref> refs;
};

/// Walks the point's tree and the copy side by side; both come in order of keys.
class Comparison {
 public:
  Comparison(repo::Repository& repository, const repo::Snapshot& snapshot, stores::Source& copy,
             Depth depth, const Deadline& deadline)
      : repository_(repository),
        snapshot_(snapshot),
        copy_(copy),
        depth_(depth),
        deadline_(deadline),
        cursor_(repository.node_reader(), snapshot.root),
        pool_(std::max(2U, std::thread::hardware_concurrency())) {}

  void run(CheckOutcome& outcome) {
    copy_.mark();
    next_item();
    find_file();
    while (record_ != nullptr || item_) step();
    submit_batch();
    pool_.drain();
    compare_numbers();
    for (const stores::Problem& problem : copy_.report().unreadable) {
      differences_.add_unreadable(problem.key, "can't be read: " + problem.reason);
    }
    sum_up(outcome);
  }

 private:
  void next_item() {
    require_time(deadline_);
    item_ = copy_.next();
    if (!item_) return;
    ++entries_in_copy_;
    if (item_->entry.kind == EntryKind::file) bytes_in_copy_ += item_->entry.size;
  }

  /// Moves to the next record that begins an entry. Records that continue an entry are skipped.
  void find_file() {
    require_time(deadline_);
    for (record_ = cursor_.find_record(); record_ != nullptr && record_->offset != 0;
         record_ = cursor_.find_record()) {
      add_content(*record_);
      cursor_.advance();
    }
    if (record_ == nullptr) return;
    key_ = record_->key;
    entry_ = stores::decode_entry(record_->meta);
    ++entries_in_tree_;
    if (entry_.kind == EntryKind::file) bytes_in_tree_ += entry_.size;
  }

  void add_content(const repo::Record& record) {
    for (const repo::Ref& ref : record.refs) {
      if (!ref.is_hole()) content_in_tree_ += ref.length;
    }
  }

  void leave_record() {
    add_content(*record_);
    cursor_.advance();
    find_file();
  }

  void step() {
    const bool only_tree = !item_;
    const bool only_copy = record_ == nullptr;
    const int order = only_tree ? -1 : only_copy ? 1 : repo::compare(key_, 0, item_->key, 0);
    if (order < 0) {
      differences_.add(key_, "is missing");
      leave_record();
    } else if (order > 0) {
      differences_.add(item_->key, "is not in the point");
      next_item();
    } else {
      compare_entry();
      next_item();
    }
  }

  void compare_entry() {
    const Entry& found = item_->entry;
    const bool same_kind = found.kind == entry_.kind;
    if (entry_.kind == EntryKind::hard_link && !same_kind) {
      compare_copied_link();
    } else if (!same_kind) {
      differences_.add(key_, "is a " + std::string(name_of(found.kind)) + ", expected a " +
                                 std::string(name_of(entry_.kind)));
    } else if (found.target != entry_.target) {
      differences_.add(key_, "has another target than in the point");
    } else if (found.rdev != entry_.rdev) {
      differences_.add(key_, "is another device than in the point");
    } else if (found.kind == EntryKind::file && found.size != entry_.size) {
      differences_.add(key_, "has " + std::to_string(found.size) + " bytes, expected " +
                                 std::to_string(entry_.size));
    } else if (found.kind == EntryKind::file && depth_ == Depth::content) {
      compare_content();
      return;
    }
    leave_record();
  }

  /// Where a file system has no hard links a restore makes copies, and says so: they must be what
  /// the first name is.
  void compare_copied_link() {
    repo::TreeCursor first(repository_.node_reader(), snapshot_.root);
    first.seek(entry_.target);
    const repo::Record* record = first.find_record();
    if (record == nullptr || record->key != entry_.target) {
      differences_.add(key_, "is a hard link to what is not in the point");
      return;
    }
    const Entry expected = stores::decode_entry(record->meta);
    const Entry& found = item_->entry;
    if (found.kind != expected.kind || found.size != expected.size || found.rdev != expected.rdev ||
        found.target != expected.target) {
      differences_.add(key_, "is a " + std::string(name_of(found.kind)) +
                                 ", expected a hard link, or a copy of its first name");
      return;
    }
    ++copied_links_;
    if (found.kind != EntryKind::file || depth_ != Depth::content) return;
    ContentCheck check(repository_, copy_, *item_);
    for (; record != nullptr && record->key == entry_.target; record = first.find_record()) {
      check.expect(record->refs, deadline_);
      first.advance();
    }
    finish(key_, check);
  }

  /// Gathers the file's chunks for a batch; compares at once what has too many to be held.
  void compare_content() {
    FileToCompare file{*item_, {}};
    std::unique_ptr<ContentCheck> large;
    do {
      add_content(*record_);
      const auto& refs = record_->refs;
      file.refs.insert(file.refs.end(), refs.begin(), refs.end());
      cursor_.advance();
      record_ = cursor_.find_record();
      if (file.refs.size() >= kRefsHeldMax) {
        if (!large) large = std::make_unique<ContentCheck>(repository_, copy_, file.item);
        require_time(deadline_);
        large->expect(file.refs, deadline_);
        file.refs.clear();
      }
    } while (record_ != nullptr && record_->offset != 0);
    if (large) {
      large->expect(file.refs, deadline_);
      finish(file.item.key, *large);
    } else {
      batch_bytes_ += file.item.entry.size;
      batch_.push_back(std::move(file));
      if (batch_.size() >= kBatchFilesMax || batch_bytes_ >= kBatchBytesMax) submit_batch();
    }
    find_file();
  }

  void finish(const Bytes& key, ContentCheck& check) {
    const std::string difference = check.finish();
    if (check.unreadable()) {
      differences_.add_unreadable(key, difference);
    } else if (!difference.empty()) {
      differences_.add(key, difference);
    }
  }

  void submit_batch() {
    pool_.rethrow();
    if (batch_.empty()) return;
    room_.acquire();
    // Given back with the task, also by a pool that has failed and drops it.
    const std::shared_ptr<void> ticket(nullptr, [this](void*) { room_.release(); });
    batch_bytes_ = 0;
    pool_.submit([this, ticket, files = std::exchange(batch_, {})] {
      for (const FileToCompare& file : files) {
        require_time(deadline_);
        ContentCheck check(repository_, copy_, file.item);
        check.expect(file.refs, deadline_);
        finish(file.item.key, check);
      }
    });
  }

  /// Compares the point's tree with the numbers that the point itself records.
  void compare_numbers() {
    const auto expect = [&](std::uint64_t found, std::uint64_t recorded, const char* what) {
      if (found == recorded) return;
      differences_.add({}, "has " + std::to_string(found) + " " + what +
                               " in its tree, the point " + "records " + std::to_string(recorded));
    };
    expect(entries_in_tree_, snapshot_.entries, "entries");
    expect(content_in_tree_, snapshot_.content_bytes, "bytes of content");
  }

  void sum_up(CheckOutcome& outcome) const {
    const auto numbers = [](std::uint64_t entries, std::uint64_t bytes) {
      return std::to_string(entries) + " entries of " + std::to_string(bytes) + " bytes";
    };
    outcome.expected = numbers(entries_in_tree_, bytes_in_tree_);
    if (depth_ == Depth::content) outcome.expected += ", every byte equal";
    outcome.actual = numbers(entries_in_copy_, bytes_in_copy_);
    outcome.verdict = differences_.count() == 0 ? Verdict::passed : Verdict::failed;
    if (copied_links_ != 0) {
      outcome.actual += ", " + std::to_string(copied_links_) + " hard links are copies";
    }
    if (differences_.count() == 0) {
      if (depth_ == Depth::content) outcome.actual += ", every byte equal";
      return;
    }
    outcome.output = differences_.lines();
    outcome.actual += "; differences: " + std::to_string(differences_.count()) +
                      ", the first: " + outcome.output.substr(0, outcome.output.find('\n'));
  }

  repo::Repository& repository_;
  const repo::Snapshot& snapshot_;
  stores::Source& copy_;
  const Depth depth_;
  const Deadline& deadline_;

  repo::TreeCursor cursor_;
  const repo::Record* record_ = nullptr;
  Bytes key_;    ///< of the entry at the cursor
  Entry entry_;  ///< the entry at the cursor
  std::optional<stores::Item> item_;

  std::uint64_t entries_in_tree_ = 0;
  std::uint64_t bytes_in_tree_ = 0;
  std::uint64_t content_in_tree_ = 0;
  std::uint64_t copied_links_ = 0;
  std::uint64_t entries_in_copy_ = 0;
  std::uint64_t bytes_in_copy_ = 0;
  Differences differences_;

  std::vector<FileToCompare> batch_;
  std::uint64_t batch_bytes_ = 0;
  std::counting_semaphore<> room_{kBatchesInFlightMax};
  WorkerPool pool_;  ///< last: its tasks end before the rest goes
};

}  // namespace

CheckOutcome compare_with_point(repo::Repository& repository, const repo::Snapshot& snapshot,
                                stores::Source& copy, Depth depth, std::stop_token stop) {
  CheckOutcome outcome;
  outcome.name = "copy of " + snapshot.store + " equals the point";
  outcome.kind = "built-in";
  outcome.store = snapshot.store;
  judge(outcome, stop, 0, [&](const Deadline& deadline) {
    Comparison(repository, snapshot, copy, depth, deadline).run(outcome);
  });
  return outcome;
}

}  // namespace salvor::checks
