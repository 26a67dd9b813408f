#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "repo/tree.h"
#include "stores/sink.h"

namespace salvor::recovery {

/// One file on its way to the sink. It is finished when nothing holds it any more: the walker holds
/// it until its last record was seen, each chunk until it is written.
/// Threads: any.
class FileJob {
 public:
  FileJob(stores::Sink& sink, Bytes key, stores::Entry entry)
      : sink_(sink), key_(std::move(key)), entry_(std::move(entry)) {}

  const Bytes& key() const { return key_; }

  /// The writer, opened on first use.
  stores::FileWriter& writer();

  void hold() { ++holds_; }

  /// Finishes the file when this was the last hold, unless part of it is damaged.
  void release();

  void spoil() { spoilt_ = true; }

 private:
  stores::Sink& sink_;
  const Bytes key_;
  const stores::Entry entry_;
  std::mutex mutex_;  ///< guards writer_
  std::unique_ptr<stores::FileWriter> writer_;
  std::atomic<std::uint64_t> holds_{1};
  std::atomic<bool> spoilt_{false};
};

/// A stretch of a file that is to be fetched.
struct Wanted {
  std::shared_ptr<FileJob> file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

}  // namespace salvor::recovery
