#include "repo/internal/pack_writer.h"

#include "base/error.h"
#include "codec/aead.h"
#include "repo/internal/object.h"

namespace salvor::repo {
namespace {

constexpr std::size_t kPackBytes = 16U << 20U;
constexpr std::size_t kLivePacksMax = 4;
constexpr int kUploads = 2;

std::size_t chunks_of(const PackDirectory& directory) {
  std::size_t sum = 0;
  for (const FrameInfo& frame : directory.frames) sum += frame.chunks.size();
  return sum;
}

}  // namespace

PackWriter::PackWriter(Repository::Core& core)
    : core_(core), data_(live_.end()), tree_(live_.end()) {
  for (int i = 0; i < kUploads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
  }
}

PackWriter::~PackWriter() {
  for (std::jthread& thread : threads_) thread.request_stop();
  changed_.notify_all();
}

void PackWriter::rethrow() const {
  if (failure_) std::rethrow_exception(failure_);
}

void PackWriter::enqueue_if_whole(FillingPlace place) {
  if (!place->closed || place->sealing != 0) return;
  queue_.push_back(place);
  changed_.notify_all();
}

void PackWriter::close(PackKind kind) {
  FillingPlace& open = open_of(kind);
  if (open == live_.end()) return;
  open->closed = true;
  enqueue_if_whole(std::exchange(open, live_.end()));
}

void PackWriter::make_room(std::unique_lock<std::mutex>& lock, PackKind kind,
                           std::size_t plain_bytes, std::size_t chunks) {
  FillingPlace& open = open_of(kind);
  for (;;) {
    rethrow();
    if (open != live_.end()) {
      if (open->pack.fits(plain_bytes, chunks)) return;
      close(kind);
    }
    if (live_.size() < kLivePacksMax) break;
    // Another thread may open the next pack meanwhile: look again.
    changed_.wait(lock,
                  [&] { return failure_ || live_.size() < kLivePacksMax || open != live_.end(); });
  }
  Bytes buffer;
  if (!buffers_.empty()) {
    buffer = std::move(buffers_.back());
    buffers_.pop_back();
  }
  live_.emplace_back(
      OpenPack(core_.keys, kind, random_id<PackId>(core_.rng), std::move(buffer), kPackBytes));
  open = std::prev(live_.end());
}

void PackWriter::append(PackKind kind, FrameType type, ByteView stored_plain, std::size_t content,
                        std::vector<ChunkInfo> chunks) {
  std::unique_lock lock(mutex_);
  make_room(lock, kind, stored_plain.size(), chunks.size());
  const FillingPlace place = open_of(kind);
  const std::uint32_t offset =
      place->pack.reserve(type, stored_plain.size(), content, std::move(chunks));
  ++place->sealing;
  bytes_stored_ += stored_plain.size() + codec::kAeadTagBytes;
  lock.unlock();
  place->pack.seal(type, offset, stored_plain);
  lock.lock();
  --place->sealing;
  enqueue_if_whole(place);
}

void PackWriter::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return !queue_.empty(); })) {
    const FillingPlace place = queue_.front();
    queue_.pop_front();
    ++uploading_;
    const bool give_up = failure_ != nullptr;
    lock.unlock();
    std::exception_ptr failure;
    if (!give_up) {
      try {
        upload(place);
      } catch (...) {
        failure = std::current_exception();
      }
    }
    lock.lock();
    if (failure && !failure_) failure_ = failure;
    if (!failure && !give_up) {
      finished_.push_back(place->pack.directory());
      finished_chunks_ += chunks_of(finished_.back());
      write_full_run(lock);
    }
    buffers_.push_back(place->pack.take_buffer());
    live_.erase(place);
    --uploading_;
    changed_.notify_all();
  }
}

void PackWriter::upload(FillingPlace place) {
  const ByteView object = place->pack.finish();
  const PackDirectory& directory = place->pack.directory();
  const std::string name = pack_name(directory.pack.id);
  if (core_.backend.put_if_absent(name, object) == backend::PutResult::exists) {
    throw Error(ErrorCode::conflict, name + " exists already",
                "correct the source of random numbers of this machine, which repeats itself, "
                "before the next backup");
  }
  core_.chunks().add(directory);
}

void PackWriter::finish(PackKind kind) {
  std::unique_lock lock(mutex_);
  close(kind);
  changed_.wait(lock, [&] {
    const std::size_t open = (data_ != live_.end() ? 1U : 0U) + (tree_ != live_.end() ? 1U : 0U);
    return failure_ || live_.size() == open;
  });
  rethrow();
}

void PackWriter::finish_what_can_be() noexcept {
  try {
    finish(PackKind::data);
    finish(PackKind::tree);
  } catch (...) {
    // What was uploaded before the failure is in finished_; the rest is given up.
  }
  // A pack that another thread is still at may yet become durable: it must not go unnoticed.
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return uploading_ == 0 && queue_.empty(); });
}

/// Keeps what is remembered of finished packs bounded, however long the session is.
void PackWriter::write_full_run(std::unique_lock<std::mutex>& lock) {
  if (finished_chunks_ < kChunksPerRun / 2) return;
  const std::vector<PackDirectory> packs = std::exchange(finished_, {});
  finished_chunks_ = 0;
  lock.unlock();
  std::exception_ptr failure;
  IndexRunId run;
  try {
    run = write_run(packs);
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  if (!failure) runs_.push_back(run);
  if (failure) finished_.insert(finished_.end(), packs.begin(), packs.end());
  if (failure && !failure_) failure_ = failure;
}

IndexRunId PackWriter::write_run(const std::vector<PackDirectory>& packs) {
  const auto run = random_id<IndexRunId>(core_.rng);
  const std::string name = index_run_name(run);
  core_.backend.put_if_absent(name, seal_object(core_.keys, ObjectType::index_run, name,
                                                encode_index_run(packs), core_.rng));
  return run;
}

std::vector<IndexRunId> PackWriter::take_runs(std::vector<PackDirectory> more) {
  const std::lock_guard lock(mutex_);
  std::move(more.begin(), more.end(), std::back_inserter(finished_));
  // What is written leaves finished_ only then: after a failure the next call has the rest.
  while (!finished_.empty()) {
    std::size_t chunks = chunks_of(finished_.front());
    auto end = std::next(finished_.begin());
    while (end != finished_.end() && chunks + chunks_of(*end) <= kChunksPerRun) {
      chunks += chunks_of(*end++);
    }
    const std::vector<PackDirectory> part(finished_.begin(), end);
    runs_.push_back(write_run(part));
    finished_.erase(finished_.begin(), end);
  }
  finished_chunks_ = 0;
  return std::exchange(runs_, {});
}

}  // namespace salvor::repo
