#include "base/direct_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace salvor {
namespace {

DirectBuffer& thread_block() {
  thread_local DirectBuffer buffer;
  return buffer;
}

ssize_t retried_pread(int fd, std::byte* out, std::size_t size, std::uint64_t offset) {
  for (;;) {
    const ssize_t count = pread(fd, out, size, static_cast<off_t>(offset));
    if (count >= 0 || errno != EINTR) return count;
  }
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
    const ssize_t count = retried_pread(fd, block.data(), size, start);
    if (count < 0) return -1;
    if (static_cast<std::size_t>(count) <= skip) break;
    const std::size_t got = std::min(static_cast<std::size_t>(count) - skip, out.size() - done);
    std::memcpy(out.data() + done, block.data() + skip, got);
    done += got;
    if (static_cast<std::size_t>(count) < size) break;
  }
  return static_cast<ssize_t>(done);
}

ssize_t write_direct(int fd, ByteView bytes) {
  DirectBuffer& block = thread_block();
  std::size_t done = 0;
  while (done < bytes.size()) {
    std::size_t size = std::min(bytes.size() - done, kDirectBlockBytes);
    if (size % kDirectAlignBytes != 0) {
      size -= size % kDirectAlignBytes;
      if (size == 0) {
        size = bytes.size() - done;
        if (!set_direct(fd, false)) return -1;
      }
    }
    std::memcpy(block.data(), bytes.data() + done, size);
    const ssize_t count = write(fd, block.data(), size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    done += static_cast<std::size_t>(count);
    // After a short write the file's position is no longer aligned.
    if (static_cast<std::size_t>(count) != size && !set_direct(fd, false)) return -1;
  }
  return static_cast<ssize_t>(done);
}

}  // namespace salvor
