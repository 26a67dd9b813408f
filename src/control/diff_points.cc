#include "control/diff_points.h"

#include <algorithm>
#include <set>

#include "control/caller.h"
#include "control/internal/choose_point.h"
#include "control/internal/opened.h"
#include "stores/entry.h"

namespace salvor::control {
namespace {

using repo::Record;
using stores::Entry;

/// The metadata that a user sees, without what only tells whether a file has changed.
bool look_equal(Entry a, Entry b) {
  for (Entry* entry : {&a, &b}) {
    entry->ctime = {};
    entry->inode = 0;
    entry->device = 0;
    entry->racy = false;
    entry->unstable = false;
  }
  return a == b;
}

/// One key that differs, as far as it was seen.
struct Difference {
  Bytes key;
  bool head_differs = false;  ///< the record with the entry itself
  bool content_differs = false;
  std::optional<Entry> before;
  std::optional<Entry> after;
};

/// Puts the differing records of one store together, key by key.
class StoreDiff {
 public:
  StoreDiff(repo::Repository& repository, std::string store, const repo::Snapshot* before,
            const repo::Snapshot* after, const std::function<void(const DiffEntry&)>& visit)
      : repository_(repository),
        store_(std::move(store)),
        before_(before),
        after_(after),
        visit_(visit) {}

  void run() {
    if (before_ != nullptr && after_ != nullptr) {
      repo::diff_trees(repository_.node_reader(), before_->root, after_->root,
                       [&](const Record* a, const Record* b) { add(a, b); });
    } else {
      const repo::Snapshot& only = before_ != nullptr ? *before_ : *after_;
      repo::TreeCursor cursor(repository_.node_reader(), only.root);
      for (const Record* record = cursor.find_record(); record != nullptr;
           record = cursor.find_record()) {
        before_ != nullptr ? add(record, nullptr) : add(nullptr, record);
        cursor.advance();
      }
    }
    flush();
  }

 private:
  void add(const Record* a, const Record* b) {
    const Record& any = a != nullptr ? *a : *b;
    if (!current_ || current_->key != any.key) {
      flush();
      current_.emplace().key = any.key;
    }
    const bool both = a != nullptr && b != nullptr;
    current_->content_differs |= !both || a->refs != b->refs;
    if (any.offset != 0) return;
    current_->head_differs = true;
    if (a != nullptr) current_->before = stores::decode_entry(a->meta);
    if (b != nullptr) current_->after = stores::decode_entry(b->meta);
  }

  /// The entry of a key whose first record is the same in both trees.
  Entry unchanged_head(const Bytes& key) {
    repo::TreeCursor cursor(repository_.node_reader(), after_->root);
    cursor.seek(key);
    return stores::decode_entry(cursor.find_record()->meta);
  }

  void flush() {
    if (!current_) return;
    Difference difference = std::move(*current_);
    current_.reset();
    if (!difference.head_differs)
      difference.before = difference.after = unchanged_head(difference.key);
    DiffEntry entry;
    entry.store = store_;
    entry.key = std::move(difference.key);
    if (difference.before) entry.size_before = difference.before->size;
    if (difference.after) entry.size_after = difference.after->size;
    if (!difference.before) {
      entry.change = Change::added;
    } else if (!difference.after) {
      entry.change = Change::removed;
    } else if (difference.content_differs || difference.before->kind != difference.after->kind) {
      entry.change = Change::modified;
    } else if (!look_equal(*difference.before, *difference.after)) {
      entry.change = Change::metadata;
    } else {
      return;
    }
    visit_(entry);
  }

  repo::Repository& repository_;
  const std::string store_;
  const repo::Snapshot* before_;
  const repo::Snapshot* after_;
  const std::function<void(const DiffEntry&)>& visit_;
  std::optional<Difference> current_;
};

}  // namespace

void diff_points(const config::Config& config, const std::string& before, const std::string& after,
                 const std::string& service, const Caller& caller,
                 const std::function<void(const DiffEntry&)>& visit) {
  const internal::Opened opened =
      internal::open_repository(config, repo::Access::read, caller.stop);
  const repo::Point& first = internal::find_point(*opened.repository, before, service);
  const repo::Point& second = internal::find_point(*opened.repository, after, service);
  std::set<std::string> stores;
  for (const repo::Point* point : {&first, &second}) {
    for (const repo::Snapshot& snapshot : point->snapshots) stores.insert(snapshot.store);
  }
  for (const std::string& store : stores) {
    if (caller.stop.stop_requested()) throw Error(ErrorCode::cancelled, "cancelled");
    StoreDiff(*opened.repository, store, first.find(store), second.find(store), visit).run();
  }
}

}  // namespace salvor::control
