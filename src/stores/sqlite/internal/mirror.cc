#include "stores/sqlite/internal/mirror.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <thread>

#include "base/error.h"

namespace salvor::stores::sqlite {
namespace {

// Two buffers of this size stay in the cache of a core.
constexpr std::size_t kBlockBytes = 256 << 10;
constexpr std::size_t kCompareBytes = 64 << 10;
// Below this, starting a thread costs more than it saves.
constexpr std::uint64_t kParallelBytesMin = 8 << 20;
constexpr std::uint64_t kFlushBytes = 16 << 20;

}  // namespace

struct Mirror::Pass {
  std::uint64_t bytes = 0;
  bool locked = false;
  std::optional<Time> deadline = {};
  std::atomic<std::uint64_t> next_offset{0};
  std::atomic<bool> stopped{false};
  std::uint64_t unflushed_bytes =
      0;  ///< only counted in passes without lock, which have one thread
};

Mirror::Mirror(Connection& source, Spool& spool, Clock& clock)
    : source_(source), second_(source.path()), spool_(spool), clock_(clock) {}

void Mirror::run_unlocked() {
  Pass pass{.bytes = source_.file_bytes()};
  // One thread leaves the other cores to the application.
  run(pass, false);
}

bool Mirror::run_locked(std::uint64_t bytes, std::optional<Time> deadline) {
  Pass pass{.bytes = bytes, .locked = true, .deadline = deadline};
  run(pass, bytes >= kParallelBytesMin);
  if (pass.stopped) return false;
  if (::ftruncate(spool_.fd(), static_cast<off_t>(bytes)) != 0) {
    throw_system_error("cannot write to the spool directory", spool_.directory().native(), errno);
  }
  return true;
}

bool Mirror::moved() {
  return source_.moved() || second_.moved();
}

void Mirror::run(Pass& pass, bool parallel) {
  std::exception_ptr failure;
  {
    std::jthread second;
    if (parallel) {
      second = std::jthread([&] {
        try {
          work(second_, pass);
        } catch (...) {
          failure = std::current_exception();
          pass.stopped = true;
        }
      });
    }
    try {
      work(source_, pass);
    } catch (...) {
      pass.stopped = true;
      throw;
    }
  }
  if (failure) std::rethrow_exception(failure);
}

void Mirror::work(Connection& reader, Pass& pass) {
  Bytes theirs(kBlockBytes);
  Bytes ours(kBlockBytes);
  for (;;) {
    const std::uint64_t offset = pass.next_offset.fetch_add(kBlockBytes);
    if (offset >= pass.bytes || pass.stopped) return;
    if (out_of_time(pass)) {
      pass.stopped = true;
      return;
    }
    const std::size_t count = std::min<std::uint64_t>(kBlockBytes, pass.bytes - offset);
    mirror_block(reader, pass, offset, MutableByteView(theirs).first(count),
                 MutableByteView(ours).first(count));
  }
}

bool Mirror::out_of_time(const Pass& pass) {
  return pass.deadline && clock_.monotonic() >= *pass.deadline;
}

void Mirror::mirror_block(Connection& reader, Pass& pass, std::uint64_t offset,
                          MutableByteView theirs, MutableByteView ours) {
  if (!reader.read_file(theirs, offset) && pass.locked) {
    throw Error(ErrorCode::failed,
                fmt::format("cannot copy {}: it was shortened while it was locked, found less than "
                            "{} bytes, expected {}",
                            printable(reader.path().native()), offset + theirs.size(), pass.bytes),
                "find the program that writes to the file without SQLite's locks");
  }
  const std::string& place = spool_.directory().native();
  // What the spool does not have yet reads as zeros, which it also holds once it is that long.
  const std::size_t known = pread_some(spool_.fd(), ours, offset, place);
  std::fill(ours.begin() + static_cast<std::ptrdiff_t>(known), ours.end(), std::byte{0});
  for (std::size_t at = 0; at < theirs.size(); at += kCompareBytes) {
    const std::size_t count = std::min(kCompareBytes, theirs.size() - at);
    const ByteView part = theirs.subspan(at, count);
    if (std::memcmp(part.data(), ours.data() + at, count) == 0) continue;
    pwrite_all(spool_.fd(), part, offset + at, place);
    if (!pass.locked) pass.unflushed_bytes += count;
  }
  if (pass.unflushed_bytes >= kFlushBytes) {
    spool_.flush();
    pass.unflushed_bytes = 0;
  }
}

}  // namespace salvor::stores::sqlite
