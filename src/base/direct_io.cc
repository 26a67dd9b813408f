#include "base/direct_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "base/io.h"

namespace salvor {
namespace {

DirectBuffer& thread_block() {
  thread_local DirectBuffer buffer;
  return buffer;
}

}  // namespace

DirectBuffer::DirectBuffer()
    : data_(static_cast<std::byte*>(std::aligned_alloc(kDirectAlignBytes, kDirectBlockBytes))) {
  if (!data_) throw std::bad_alloc();
}

bool set_direct(int fd, bool on) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return false;
  return fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

ssize_t pread_direct(int fd, MutableByteView out, std::uint64_t offset) {
  DirectBuffer& block = thread_block();
  std::size_t done = 0;
  while (done < out.size()) {
    const std::uint64_t at = offset + done;
    const std::uint64_t start = at / kDirectAlignBytes * kDirectAlignBytes;
    const auto skip = static_cast<std::size_t>(at - start);
    const std::size_t wanted = std::min(out.size() - done + skip, kDirectBlockBytes);
    const std::size_t size =
        (wanted + kDirectAlignBytes - 1) / kDirectAlignBytes * kDirectAlignBytes;
    const ssize_t count =
        retried([&] { return pread(fd, block.data(), size, static_cast<off_t>(start)); });
    if (count < 0) return -1;
    const auto filled = static_cast<std::size_t>(count);
    if (filled > skip) {
      const std::size_t got = std::min(filled - skip, out.size() - done);
      std::memcpy(out.data() + done, block.data() + skip, got);
      done += got;
    }
    if (filled < size && done < out.size()) {
      // The end of the file, or a read that moved less: from here on only a read that need not be
      // aligned can tell.
      if (!set_direct(fd, false)) return -1;
      const ssize_t rest = pread_whole(fd, out.subspan(done), offset + done);
      return rest < 0 ? -1 : static_cast<ssize_t>(done) + rest;
    }
  }
  return static_cast<ssize_t>(done);
}

bool write_direct(int fd, ByteView bytes) {
  DirectBuffer& block = thread_block();
  while (bytes.size() >= kDirectAlignBytes) {
    std::size_t size = std::min(bytes.size(), kDirectBlockBytes);
    size -= size % kDirectAlignBytes;
    std::memcpy(block.data(), bytes.data(), size);
    const ssize_t count = retried([&] { return write(fd, block.data(), size); });
    if (count < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    // After a short write the file's position is no longer aligned.
    if (static_cast<std::size_t>(count) != size) break;
  }
  return bytes.empty() || (set_direct(fd, false) && write_whole(fd, bytes));
}

}  // namespace salvor
