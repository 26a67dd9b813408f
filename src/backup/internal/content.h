#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "backup/internal/pending_item.h"
#include "backup/progress.h"
#include "base/error.h"
#include "base/worker_pool.h"
#include "repo/session.h"

namespace salvor::backup {

/// Buffers of one size that go round. Threads: any.
class BufferPool {
 public:
  explicit BufferPool(std::size_t bytes) : bytes_(bytes) {}
  Bytes take();
  void give(Bytes buffer);

 private:
  const std::size_t bytes_;
  std::mutex mutex_;
  std::vector<Bytes> free_;
};

/// Reads, cuts and stores the content of items.
/// Threads: read_small and read_large any.   Lifetime: shorter than all it refers to.
class ContentStore {
 public:
  ContentStore(stores::Source& source, repo::Session& session, const codec::Chunker& chunker,
               WorkerPool& pool, Progress* progress);

  /// Items up to this size are read by read_small, many in one task.
  static constexpr std::size_t kSmallBytesMax = 1U << 20U;

  /// Reads the items into one buffer, and stores all their chunks together. What turns out larger
  /// than announced is read by read_large.
  void read_small(std::span<PendingItem* const> items);

  /// Notes what could not be kept of an item.
  void report(const Bytes& key, const std::string& reason);

  /// What could not be read to its end; the source may have reported it as well.
  std::vector<stores::Problem> problems() const;

  /// Reads one item as a stream, cut into chunks; the chunks are stored in tasks of their own.
  void read_large(PendingItem& pending);

 private:
  struct Span;
  struct Stream;
  struct Ticket;
  bool read_once(PendingItem& pending, stores::ContentReader& reader);
  bool read_into(PendingItem& pending, Bytes& arena, std::size_t& used);
  void cut(ByteView content, std::vector<ByteView>& pieces, std::vector<repo::Ref>& refs) const;
  std::size_t first_chunk(ByteView content) const;
  void cut_stream(stores::ContentReader& reader, const std::shared_ptr<Stream>& stream,
                  std::deque<repo::Ref>& refs);
  void dispatch(const std::shared_ptr<Stream>& stream, std::shared_ptr<Span> span);
  void settle(Stream& stream);
  void store(const Span& span);
  void drop_or_keep(PendingItem& pending) const;
  void leave_out(PendingItem& pending, const Error& error);

  stores::Source& source_;
  repo::Session& session_;
  const codec::Chunker& chunker_;
  WorkerPool& pool_;
  Progress* progress_;
  std::size_t fixed_bytes_;
  std::size_t chunk_bytes_max_;
  BufferPool buffers_;
  mutable std::mutex problems_mutex_;
  std::vector<stores::Problem> problems_;
};

}  // namespace salvor::backup
