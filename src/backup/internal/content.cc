#include "backup/internal/content.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace salvor::backup {
namespace {

constexpr std::size_t kSpanBytes = 2U << 20U;
constexpr std::size_t kWaitingSpansMax = 4;
/// An item that changes while it is read is read again, so often.
constexpr int kTries = 3;

}  // namespace

Bytes BufferPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      Bytes buffer = std::move(free_.back());
      free_.pop_back();
      return buffer;
    }
  }
  return Bytes(bytes_);
}

void BufferPool::give(Bytes buffer) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(buffer));
}

/// Whole chunks in one buffer, and where their ids go.
struct ContentStore::Span {
  Bytes buffer;
  std::vector<ByteView> pieces;
  std::vector<repo::Ref*> refs;
};

/// How many spans of one item are under way.
struct ContentStore::Stream {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t under_way = 0;
};

/// One span under way, until its task has run or was dropped. Shares the stream, so that the last
/// one may still be in it when the reader goes on.
struct ContentStore::Ticket {
  explicit Ticket(std::shared_ptr<Stream> stream_) : stream(std::move(stream_)) {
    const std::lock_guard lock(stream->mutex);
    ++stream->under_way;
  }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() {
    const std::lock_guard lock(stream->mutex);
    --stream->under_way;
    stream->changed.notify_all();
  }
  std::shared_ptr<Stream> stream;
};

ContentStore::ContentStore(stores::Source& source, repo::Session& session,
                           const codec::Chunker& chunker, WorkerPool& pool, Progress* progress)
    : source_(source),
      session_(session),
      chunker_(chunker),
      pool_(pool),
      progress_(progress),
      fixed_bytes_(source.capabilities().cutting.fixed_bytes),
      chunk_bytes_max_(fixed_bytes_ != 0 ? fixed_bytes_ : chunker.limits().max_bytes),
      buffers_(kSpanBytes + chunk_bytes_max_) {}

std::size_t ContentStore::first_chunk(ByteView content) const {
  if (fixed_bytes_ != 0) return std::min(content.size(), fixed_bytes_);
  return chunker_.first_chunk(content);
}

void ContentStore::cut(ByteView content, std::vector<ByteView>& pieces,
                       std::vector<repo::Ref>& refs) const {
  while (!content.empty()) {
    const std::size_t size = first_chunk(content);
    pieces.push_back(content.first(size));
    refs.push_back({{}, size});
    content = content.subspan(size);
  }
}

void ContentStore::store(const Span& span) {
  std::vector<repo::ChunkId> ids(span.pieces.size());
  session_.store(span.pieces, ids);
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    span.refs[i]->id = ids[i];
    bytes += span.pieces[i].size();
  }
  if (progress_ != nullptr) progress_->bytes += bytes;
}

/// What has no content to lose stays as it was announced; a file without content would be a lie.
void ContentStore::drop_or_keep(PendingItem& pending) const {
  pending.refs.clear();
  pending.dropped = pending.item.entry.kind == stores::EntryKind::file;
  // The next backup is to look again, and to say again what is missing.
  pending.item.entry.racy = true;
}

void ContentStore::report(const Bytes& key, const std::string& reason) {
  const std::lock_guard lock(problems_mutex_);
  problems_.push_back({key, reason});
}

void ContentStore::leave_out(PendingItem& pending, const Error& error) {
  const std::lock_guard lock(problems_mutex_);
  problems_.push_back({pending.item.key, error.message()});
  drop_or_keep(pending);
}

std::vector<stores::Problem> ContentStore::problems() const {
  const std::lock_guard lock(problems_mutex_);
  return problems_;
}

/// Fills `arena` from `used` on. False when the content does not fit: read it as a stream.
bool ContentStore::read_into(PendingItem& pending, Bytes& arena, std::size_t& used) {
  for (int attempt = 1;; ++attempt) {
    pending.refs.clear();
    const auto reader = source_.open(pending.item);
    if (!reader) {
      drop_or_keep(pending);
      return true;
    }
    std::size_t size = 0;
    for (;;) {
      const std::size_t room = arena.size() - used - size;
      if (room == 0) return false;
      const auto step = reader->read(MutableByteView(arena).subspan(used + size));
      if (step.hole_bytes != 0) return false;
      if (step.data_bytes == 0) break;
      size += step.data_bytes;
    }
    const bool stable = reader->finish(pending.item.entry);
    if (!stable && attempt < kTries) continue;
    pending.item.entry.unstable = !stable;
    used += size;
    return true;
  }
}

void ContentStore::read_small(std::span<PendingItem* const> items) {
  thread_local Bytes arena(2 * kSmallBytesMax);
  Span span;
  std::size_t used = 0;
  std::vector<PendingItem*> large;
  for (PendingItem* pending : items) {
    const std::size_t start = used;
    try {
      if (!read_into(*pending, arena, used)) {
        used = start;
        pending->refs.clear();
        large.push_back(pending);
        continue;
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::failed) throw;
      used = start;
      leave_out(*pending, error);
    }
    cut(ByteView(arena).subspan(start, used - start), span.pieces, pending->refs);
  }
  for (PendingItem* pending : items) {
    for (repo::Ref& ref : pending->refs) span.refs.push_back(&ref);
  }
  store(span);
  for (PendingItem* pending : items) {
    if (std::find(large.begin(), large.end(), pending) == large.end()) pending->done = true;
  }
  for (PendingItem* pending : large) read_large(*pending);
}

void ContentStore::dispatch(const std::shared_ptr<Stream>& stream, std::shared_ptr<Span> span) {
  const auto work = [this, span, ticket = std::make_shared<Ticket>(stream)] {
    store(*span);
    buffers_.give(std::move(span->buffer));
  };
  if (pool_.submit_urgent(work, kWaitingSpansMax)) return;
  try {
    work();
  } catch (...) {
    pool_.fail(std::current_exception());
    throw;
  }
}

/// Spans refer to the stream's refs: none may be left when its reader returns or throws.
void ContentStore::settle(Stream& stream) {
  // Once nothing urgent waits, all of this stream's spans are done or with other threads.
  while (pool_.help()) {
  }
  std::unique_lock lock(stream.mutex);
  stream.changed.wait(lock, [&] { return stream.under_way == 0; });
}

/// One reading of the whole item, front to back. False: it changed meanwhile.
bool ContentStore::read_once(PendingItem& pending, stores::ContentReader& reader) {
  const auto stream = std::make_shared<Stream>();
  std::deque<repo::Ref> refs;  // stable addresses: chunks get their ids out of order
  try {
    cut_stream(reader, stream, refs);
  } catch (...) {
    settle(*stream);
    throw;
  }
  settle(*stream);
  pending.refs.assign(refs.begin(), refs.end());
  return reader.finish(pending.item.entry);
}

void ContentStore::cut_stream(stores::ContentReader& reader, const std::shared_ptr<Stream>& stream,
                              std::deque<repo::Ref>& refs) {
  auto span = std::make_shared<Span>();
  span->buffer = buffers_.take();
  std::size_t filled = 0;
  for (bool end = false; !end;) {
    pool_.rethrow();  // the whole backup has failed, or was cancelled
    const std::size_t room = std::min(span->buffer.size(), kSpanBytes + filled) - filled;
    const auto step = reader.read(MutableByteView(span->buffer).subspan(filled, room));
    filled += step.data_bytes;
    const bool flush = step.data_bytes < room;  // a hole or the end: what is left is a last chunk
    end = flush && step.data_bytes == 0 && step.hole_bytes == 0;
    ByteView rest = ByteView(span->buffer).first(filled);
    while (!rest.empty() && (flush || rest.size() >= chunk_bytes_max_)) {
      const std::size_t size = first_chunk(rest);
      span->pieces.push_back(rest.first(size));
      span->refs.push_back(&refs.emplace_back(repo::Ref{{}, size}));
      rest = rest.subspan(size);
    }
    if (step.hole_bytes != 0) refs.push_back({{}, step.hole_bytes});
    if (span->pieces.empty()) continue;
    auto next = std::make_shared<Span>();
    next->buffer = buffers_.take();
    if (!rest.empty()) std::memcpy(next->buffer.data(), rest.data(), rest.size());
    filled = rest.size();
    dispatch(stream, std::exchange(span, next));
  }
  buffers_.give(std::move(span->buffer));
}

void ContentStore::read_large(PendingItem& pending) {
  try {
    for (int attempt = 1;; ++attempt) {
      pending.refs.clear();
      const auto reader = source_.open(pending.item);
      if (!reader) {
        drop_or_keep(pending);
        break;
      }
      const bool stable = read_once(pending, *reader);
      pending.item.entry.unstable = !stable;
      if (stable || attempt == kTries) break;
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::failed || pool_.failed()) throw;
    leave_out(pending, error);
  }
  pool_.rethrow();
  pending.done = true;
}

}  // namespace salvor::backup
