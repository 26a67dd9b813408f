#include "recovery/restore.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/worker_pool.h"
#include "recovery/internal/file_job.h"

namespace salvor::recovery {
namespace {

using stores::Entry;
using stores::EntryKind;

/// How much is planned together. Packs are in about the same order, so a batch touches few.
constexpr std::size_t kBatchChunksMax = 8192;
constexpr std::uint64_t kBatchBytesMax = 256U << 20U;
constexpr std::size_t kGroupsInFlightMax = 48;
constexpr std::size_t kPathsNamedMax = 100;
constexpr std::size_t kEmptyFilesPerTask = 256;
/// Each takes several MB of memory.
constexpr unsigned kThreadsMax = 16;

class Restore {
 public:
  Restore(repo::Repository& repository, const repo::Snapshot& snapshot, stores::Sink& sink,
          const RestoreOptions& options)
      : repository_(repository),
        snapshot_(snapshot),
        sink_(sink),
        options_(options),
        pool_(options.threads != 0
                  ? options.threads
                  : std::clamp(2 * std::thread::hardware_concurrency(), 4U, kThreadsMax)) {}

  RestoreResult run();

 private:
  struct Batch {
    std::vector<repo::ChunkId> ids;
    std::vector<Wanted> wanted;
    std::uint64_t bytes = 0;
  };

  void add(const repo::Record& record);
  void add_refs(const repo::Record& record);
  void skip_refs(const repo::Record& record);
  void release_current();
  void throw_if_stopped() const;
  void flush();
  void keep_what_is_there(Batch& batch);
  void submit(const std::shared_ptr<Batch>& batch, repo::FetchGroup group);
  void fetch(const Batch& batch, const repo::FetchGroup& group);
  void damaged(const Wanted& wanted, const Error& error);
  void wait_for_room();
  void complete();
  void throw_if_damaged();

  repo::Repository& repository_;
  const repo::Snapshot& snapshot_;
  stores::Sink& sink_;
  const RestoreOptions& options_;

  std::shared_ptr<FileJob> current_;  ///< the file whose records are being walked
  std::optional<Bytes> reused_;       ///< or its key, when the sink has it already
  std::shared_ptr<Batch> batch_ = std::make_shared<Batch>();
  std::vector<std::shared_ptr<FileJob>> empty_files_;
  RestoreResult result_;
  std::atomic<std::uint64_t> bytes_written_{0};

  std::mutex mutex_;  ///< guards the three below
  std::condition_variable changed_;
  std::size_t in_flight_ = 0;
  std::map<std::string, std::vector<std::string>> damage_;  ///< what is wrong → paths

  WorkerPool pool_;  ///< last: its tasks end before the rest goes
};

void Restore::add(const repo::Record& record) {
  if (record.offset != 0) {
    if (reused_ && *reused_ == record.key) return skip_refs(record);
    if (!current_ || current_->key() != record.key) {
      throw Error(ErrorCode::corruption, "snapshot of store " + snapshot_.store +
                                             " has content without a file at " +
                                             printable(stores::path_of_key(record.key)));
    }
    add_refs(record);
    return;
  }
  release_current();
  reused_.reset();
  const Entry entry = stores::decode_entry(record.meta);
  ++result_.entries;
  if (options_.progress != nullptr) ++options_.progress->entries;
  if (entry.kind == EntryKind::hard_link) return;
  if (entry.kind != EntryKind::file) {
    sink_.make(record.key, entry);
    return;
  }
  if (sink_.lacks(record.key) || sink_.reuse(record.key, entry)) {
    reused_ = to_bytes(record.key);
    return skip_refs(record);
  }
  current_ = std::make_shared<FileJob>(sink_, record.key, entry);
  if (record.refs.empty()) empty_files_.push_back(current_);
  add_refs(record);
}

void Restore::add_refs(const repo::Record& record) {
  std::uint64_t offset = record.offset;
  for (const repo::Ref& ref : record.refs) {
    if (ref.is_hole()) {
      // In a new file a range that is not written is a hole already.
      if (options_.delta) current_->writer().punch_hole(offset, ref.length);
    } else {
      current_->hold();
      batch_->ids.push_back(ref.id);
      batch_->wanted.push_back({current_, offset, ref.length});
      batch_->bytes += ref.length;
      result_.bytes += ref.length;
    }
    offset += ref.length;
  }
  if (batch_->ids.size() >= kBatchChunksMax || batch_->bytes >= kBatchBytesMax) flush();
}

void Restore::skip_refs(const repo::Record& record) {
  for (const repo::Ref& ref : record.refs) {
    if (ref.is_hole()) continue;
    result_.bytes += ref.length;
    if (options_.progress != nullptr) options_.progress->bytes += ref.length;
  }
}

void Restore::release_current() {
  if (!current_) return;
  const std::shared_ptr<FileJob> file = std::exchange(current_, nullptr);
  const bool empty = !empty_files_.empty() && empty_files_.back() == file;
  if (!empty) {
    file->release();
  } else if (empty_files_.size() >= kEmptyFilesPerTask) {
    pool_.submit([files = std::exchange(empty_files_, {})] {
      for (const auto& each : files) each->release();
    });
  }
}

/// With delta: drops from the batch what the target has already.
void Restore::keep_what_is_there(Batch& batch) {
  std::vector<char> missing(batch.ids.size(), 1);
  constexpr std::size_t kPerTask = 16;
  for (std::size_t start = 0; start < batch.ids.size(); start += kPerTask) {
    pool_.submit([this, &batch, &missing, start] {
      thread_local Bytes content;
      const std::size_t end = std::min(start + kPerTask, batch.ids.size());
      for (std::size_t i = start; i < end; ++i) {
        const Wanted& wanted = batch.wanted[i];
        content.resize(wanted.length);
        const std::size_t size = wanted.file->writer().read_existing(content, wanted.offset);
        if (size != wanted.length || repository_.id_of(content) != batch.ids[i]) continue;
        missing[i] = 0;
        wanted.file->writer().keep(wanted.offset, wanted.length);
        wanted.file->release();
        if (options_.progress != nullptr) options_.progress->bytes += wanted.length;
      }
    });
  }
  pool_.drain();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    if (missing[i] == 0) continue;
    batch.ids[kept] = batch.ids[i];
    batch.wanted[kept] = std::move(batch.wanted[i]);
    ++kept;
  }
  batch.ids.resize(kept);
  batch.wanted.resize(kept);
}

void Restore::throw_if_stopped() const {
  if (!options_.stop.stop_requested()) return;
  throw Error(ErrorCode::cancelled, "the restore was stopped");
}

void Restore::flush() {
  throw_if_stopped();
  const std::shared_ptr<Batch> batch = std::exchange(batch_, std::make_shared<Batch>());
  if (options_.delta) keep_what_is_there(*batch);
  std::vector<std::uint32_t> lost;
  for (std::uint32_t i = 0; i < batch->ids.size(); ++i) {
    if (!repository_.contains(batch->ids[i])) lost.push_back(i);
  }
  for (const std::uint32_t place : lost) {
    damaged(batch->wanted[place],
            Error(ErrorCode::corruption, "chunk " + batch->ids[place].hex() + " is in no pack"));
  }
  if (!lost.empty()) throw_if_damaged();
  for (repo::FetchGroup& group : repository_.plan(batch->ids)) submit(batch, std::move(group));
}

void Restore::submit(const std::shared_ptr<Batch>& batch, repo::FetchGroup group) {
  wait_for_room();
  {
    const std::lock_guard lock(mutex_);
    ++in_flight_;
  }
  pool_.submit([this, batch, group = std::move(group)] {
    struct Leave {
      Restore& restore;
      ~Leave() {
        const std::lock_guard lock(restore.mutex_);
        --restore.in_flight_;
        restore.changed_.notify_all();
      }
    } leave{*this};
    try {
      throw_if_stopped();
      fetch(*batch, group);
    } catch (...) {
      // Do this before leave(): whoever waits for room must learn that the pool has failed.
      pool_.fail(std::current_exception());
      throw;
    }
  });
}

void Restore::wait_for_room() {
  std::unique_lock lock(mutex_);
  // A task that fails wakes nobody, so the pool is asked now and then.
  while (in_flight_ >= kGroupsInFlightMax && !pool_.failed()) {
    changed_.wait_for(lock, std::chrono::milliseconds(100));
  }
  lock.unlock();
  pool_.rethrow();
}

void Restore::fetch(const Batch& batch, const repo::FetchGroup& group) {
  repository_.fetch(
      batch.ids, group,
      [&](std::uint32_t place, ByteView chunk) {
        const Wanted& wanted = batch.wanted[place];
        if (chunk.size() != wanted.length) {
          damaged(wanted,
                  Error(ErrorCode::corruption,
                        "chunk " + batch.ids[place].hex() + " has " + std::to_string(chunk.size()) +
                            " bytes, expected " + std::to_string(wanted.length)));
          return;
        }
        wanted.file->writer().write(chunk, wanted.offset);
        bytes_written_ += chunk.size();
        if (options_.progress != nullptr) options_.progress->bytes += chunk.size();
        wanted.file->release();
      },
      [&](std::uint32_t place, const Error& error) { damaged(batch.wanted[place], error); });
}

void Restore::damaged(const Wanted& wanted, const Error& error) {
  wanted.file->spoil();
  const std::lock_guard lock(mutex_);
  std::vector<std::string>& paths = damage_[error.message()];
  const std::string path = printable(stores::path_of_key(wanted.file->key()));
  if (paths.empty() || paths.back() != path) paths.push_back(path);
}

void Restore::throw_if_damaged() {
  const std::lock_guard lock(mutex_);
  if (damage_.empty()) return;
  std::string message = "store " + snapshot_.store + " can't be restored completely";
  for (const auto& [what, paths] : damage_) {
    message += "\n  " + what;
    for (std::size_t i = 0; i < std::min(paths.size(), kPathsNamedMax); ++i) {
      message += "\n    affects " + paths[i];
    }
    if (paths.size() > kPathsNamedMax) {
      message += "\n    and " + std::to_string(paths.size() - kPathsNamedMax) + " more";
    }
  }
  throw Error(ErrorCode::corruption, message,
              "the target is incomplete; run `salvor verify --data`, and restore an older point "
              "or repair the repository from a copy");
}

void Restore::complete() {
  repo::TreeCursor cursor(repository_.node_reader(), snapshot_.root);
  for (const repo::Record* record = cursor.find_record(); record != nullptr;
       record = cursor.find_record()) {
    throw_if_stopped();
    if (record->offset == 0) sink_.complete(record->key, stores::decode_entry(record->meta));
    cursor.advance();
  }
  sink_.commit();
}

RestoreResult Restore::run() {
  if (options_.progress != nullptr) {
    options_.progress->bytes_expected += snapshot_.content_bytes;
    options_.progress->entries_expected += snapshot_.entries;
  }
  sink_.begin();
  repo::TreeCursor cursor(repository_.node_reader(), snapshot_.root);
  for (const repo::Record* record = cursor.find_record(); record != nullptr;
       record = cursor.find_record()) {
    throw_if_stopped();
    add(*record);
    cursor.advance();
  }
  release_current();
  for (const auto& file : empty_files_) file->release();
  flush();
  pool_.drain();
  throw_if_damaged();
  complete();
  result_.bytes_written = bytes_written_;
  result_.sink = sink_.report();
  return result_;
}

}  // namespace

stores::FileWriter& FileJob::writer() {
  const std::lock_guard lock(mutex_);
  if (!writer_) writer_ = sink_.create(key_, entry_);
  return *writer_;
}

void FileJob::release() {
  if (--holds_ != 0 || spoilt_) return;
  writer().finish();
  writer_.reset();
}

void require_complete(const std::vector<StoreOutcome>& outcomes) {
  std::string message;
  std::size_t count = 0;
  for (const StoreOutcome& outcome : outcomes) {
    for (const std::string& line : outcome.not_made) {
      message += "\n  store " + outcome.store + ": " + line;
      ++count;
    }
  }
  if (count == 0) return;
  throw Error(ErrorCode::failed,
              "the file system of the target can't hold " + std::to_string(count) +
                  " of the entries; all others are restored" + message,
              "restore to a file system that has such names and kinds of files, as a user who may "
              "make them");
}

RestoreResult restore(repo::Repository& repository, const repo::Snapshot& snapshot,
                      stores::Sink& sink, const RestoreOptions& options) {
  return Restore(repository, snapshot, sink, options).run();
}

}  // namespace salvor::recovery
