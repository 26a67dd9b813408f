#include "backup/internal/store_pipeline.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"

namespace salvor::backup {
namespace {

using stores::Entry;
using stores::EntryKind;

constexpr std::size_t kWindowSlotsMax = 8192;
/// Of unchanged files, which wait behind one that is being read.
constexpr std::size_t kWindowRefsMax = 500'000;
constexpr std::size_t kBatchBytesMax = 1U << 20U;
constexpr std::size_t kBatchSlotsMax = 256;
constexpr unsigned kThreadsMax = 16;

unsigned threads_of(const Options& options) {
  if (options.threads != 0) return options.threads;
  // More than cores: most of them wait for the disk when it is cold. No more than the memory of
  // which each takes several MB.
  return std::clamp(2 * std::thread::hardware_concurrency() + 2, 4U, kThreadsMax);
}

[[noreturn]] void throw_cancelled() {
  throw Error(ErrorCode::cancelled, "the backup was cancelled");
}

std::uint64_t length_of(const repo::Record& record) {
  std::uint64_t sum = 0;
  for (const repo::Ref& ref : record.refs) sum += ref.length;
  return sum;
}

}  // namespace

StorePipeline::StorePipeline(repo::Repository& repository, repo::Session& session,
                             const StoreInput& input, const std::optional<Previous>& previous,
                             const Options& options)
    : session_(session),
      input_(input),
      options_(options),
      builder_(session.tree()),
      progress_(options.progress != nullptr ? options.progress : &own_progress_),
      content_(*input.source, session, repository.chunker(), pool_, progress_),
      pool_(threads_of(options), [this] { wake(); }) {
  snapshot_.store = input.name;
  snapshot_.type = input.type;
  if (previous && input.source->capabilities().recognises_unchanged) {
    try {
      previous_.emplace(repository.node_reader(), previous->root);
    } catch (const Error& error) {
      distrust_previous(error);
    }
  }
}

repo::Snapshot StorePipeline::run(std::vector<stores::Problem>& problems) {
  const std::uint64_t bytes_before = progress_->bytes;
  try {
    read_all();
  } catch (...) {
    // Ends the tasks that are under way, a large file's too, before anybody waits for them.
    pool_.fail(std::current_exception());
    throw;
  }
  return sum_up(bytes_before, problems);
}

/// Announces, and adds to the tree what is done, until nothing is left.
void StorePipeline::read_all() {
  for (bool more = true; more || !window_.empty();) {
    if (options_.stop.stop_requested()) throw_cancelled();
    while (emit_front()) {
    }
    if (more && window_.size() < kWindowSlotsMax && window_refs_ < kWindowRefsMax) {
      more = announce();
      if (!more) submit_batch();
      continue;
    }
    if (!window_.empty()) {
      submit_batch();
      wait_for_front();
    }
  }
  pool_.drain();
}

repo::Snapshot StorePipeline::sum_up(std::uint64_t bytes_before,
                                     std::vector<stores::Problem>& problems) {
  const repo::TreeRoot root = builder_.finish();
  const stores::SourceReport report = input_.source->report();
  snapshot_.root = root.id;
  snapshot_.records = root.records;
  snapshot_.content_bytes = root.content_bytes;
  snapshot_.sockets_skipped = report.sockets_skipped;
  snapshot_.facts = report.facts;
  snapshot_.suspicions = report.suspicions;
  snapshot_.bytes_read = progress_->bytes - bytes_before;
  problems = report.unreadable;
  for (stores::Problem& problem : content_.problems()) problems.push_back(std::move(problem));
  // One a path: the first that was told, but rather one that fails the backup.
  std::stable_sort(problems.begin(), problems.end(), [](const auto& a, const auto& b) {
    return std::tie(a.key, a.changed_kind) < std::tie(b.key, b.changed_kind);
  });
  problems.erase(std::unique(problems.begin(), problems.end(),
                             [](const auto& a, const auto& b) { return a.key == b.key; }),
                 problems.end());
  return snapshot_;
}

/// Takes the next item from the source; false at the end.
bool StorePipeline::announce() {
  auto item = input_.source->next();
  if (!item) return false;
  window_.push_back(std::make_unique<PendingItem>());
  PendingItem& pending = *window_.back();
  pending.item = std::move(*item);
  pending.announced_inode = pending.item.entry.inode;
  if (take_over(pending)) {
    pending.done = true;
  } else {
    queue(pending);
  }
  return true;
}

/// Whether the previous snapshot's records stand for the item, and all they refer to is still
/// there.
bool StorePipeline::take_over(PendingItem& pending) {
  if (!previous_) return false;
  try {
    return find_in_previous(pending);
  } catch (const Error& error) {
    distrust_previous(error);
    return false;
  }
}

/// A damaged previous snapshot must not keep the next one from being taken: all is read again.
void StorePipeline::distrust_previous(const Error& error) {
  if (error.code() != ErrorCode::corruption) throw error;
  log::warning("store {}: the previous snapshot is damaged, everything is read again: {}",
               input_.name, error.message());
  previous_.reset();
}

bool StorePipeline::find_in_previous(PendingItem& pending) {
  const repo::Record* record = previous_->find_record();
  while (record != nullptr && repo::compare(record->key, record->offset, pending.item.key, 0) < 0) {
    previous_->advance();
    record = previous_->find_record();
  }
  if (record == nullptr || record->offset != 0 || record->key != pending.item.key) return false;
  const Entry then = stores::decode_entry(record->meta);
  if (!input_.source->unchanged(then, pending.item.entry)) return false;
  std::vector<repo::Record> records;
  std::size_t refs = 0;
  while (record != nullptr && record->key == pending.item.key) {
    const bool there = std::all_of(record->refs.begin(), record->refs.end(), [&](const auto& ref) {
      return ref.is_hole() || session_.knows(ref.id);
    });
    if (!there) return false;
    records.push_back(*record);
    refs += record->refs.size();
    previous_->advance();
    record = previous_->find_record();
  }
  pending.item.entry = then;
  pending.records = std::move(records);
  window_refs_ += refs;
  return true;
}

void StorePipeline::queue(PendingItem& pending) {
  const std::uint64_t size =
      pending.item.entry.kind == EntryKind::file ? pending.item.entry.size : 0;
  if (size > ContentStore::kSmallBytesMax) {
    submit_batch();
    pool_.submit([this, &pending] {
      content_.read_large(pending);
      wake();
    });
    return;
  }
  if (batch_bytes_ + size > kBatchBytesMax || batch_.size() == kBatchSlotsMax) submit_batch();
  batch_.push_back(&pending);
  batch_bytes_ += size;
}

void StorePipeline::submit_batch() {
  if (batch_.empty()) return;
  pool_.submit([this, items = std::exchange(batch_, {})] {
    content_.read_small(items);
    wake();
  });
  batch_bytes_ = 0;
}

void StorePipeline::wake() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void StorePipeline::wait_for_front() {
  const PendingItem& front = *window_.front();
  // Before the lock: who asks for a stop wakes with it.
  const std::stop_callback on_stop(options_.stop, [this] { wake(); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock,
                [&] { return front.done || options_.stop.stop_requested() || pool_.failed(); });
  lock.unlock();
  if (front.done) return;
  if (options_.stop.stop_requested()) throw_cancelled();
  pool_.rethrow();
}

bool StorePipeline::emit_front() {
  if (window_.empty() || !window_.front()->done) return false;
  PendingItem& front = *window_.front();
  for (const repo::Record& record : front.records) window_refs_ -= record.refs.size();
  emit(front);
  window_.pop_front();
  return true;
}

/// Another name of a file whose first name vanished, or could not be read, before it got its turn.
void StorePipeline::mend_hard_link(PendingItem& pending) {
  Entry& entry = pending.item.entry;
  const auto lost = lost_first_names_.find(entry.target);
  if (lost == lost_first_names_.end()) return;
  pending.records.clear();
  if (!lost->second.empty()) {
    entry.target = lost->second;
    return;
  }
  entry.kind = EntryKind::file;
  entry.target.clear();
  content_.read_large(pending);
  if (!pending.dropped) lost->second = pending.item.key;
}

void StorePipeline::emit(PendingItem& pending) {
  if (pending.item.entry.kind == EntryKind::hard_link) mend_hard_link(pending);
  if (pending.dropped) {
    lost_first_names_.emplace(pending.item.key, Bytes{});
    return;
  }
  // Replaced between the walk and the read: what is kept is not what other names are links to.
  if (pending.item.entry.inode != pending.announced_inode) {
    lost_first_names_.emplace(pending.item.key, Bytes{});
  }
  ++snapshot_.entries;
  ++progress_->entries;
  if (!pending.records.empty()) {
    for (const repo::Record& record : pending.records) builder_.add(record);
    return;
  }
  emit_content(pending);
}

/// What a reader would refuse is not written: the entry is kept without it, and named.
void StorePipeline::keep_within_limits(PendingItem& pending) {
  Entry& entry = pending.item.entry;
  const std::string problem = stores::beyond_limits(entry);
  if (problem.empty()) return;
  content_.report(pending.item.key, problem);
  entry.attributes.clear();
  entry.racy = true;
}

void StorePipeline::emit_content(PendingItem& pending) {
  keep_within_limits(pending);
  repo::Record record{pending.item.key, 0, stores::encode(pending.item.entry), {}};
  for (repo::Ref& ref : pending.refs) {
    if (record.refs.size() == kRefsPerRecord) {
      builder_.add(record);
      record.offset += length_of(record);
      record.meta.clear();
      record.refs.clear();
    }
    record.refs.push_back(ref);
  }
  builder_.add(record);
}

}  // namespace salvor::backup
