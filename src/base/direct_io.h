#pragma once

#include <cstdlib>
#include <memory>

#include "base/bytes.h"

/// Reading and writing past the page cache, for bytes that pass once: a backup must not push the
/// service's own pages out of memory, nor pay for copies into pages that nobody reads again.
namespace salvor {

inline constexpr std::size_t kDirectBlockBytes = 1U << 20U;
inline constexpr std::size_t kDirectAlignBytes = 4096;

/// One block of memory as direct I/O wants it. Move only.
class DirectBuffer {
 public:
  DirectBuffer();
  std::byte* data() { return data_.get(); }
  static constexpr std::size_t size() { return kDirectBlockBytes; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<std::byte, Free> data_;
};

/// Turns O_DIRECT on or off for an open file. False where the file system has no such thing.
bool set_direct(int fd, bool on);

/// pread() and write() for whole spans, through a block of this thread's; `fd` is direct already.
/// Shape: pread_direct: bytes read, less than out.size() only at the end of the file; -1 with
/// errno, EINVAL when the medium wants another alignment. Only whole blocks go direct: the tail of
/// write_direct is written with O_DIRECT off, which it then stays.
ssize_t pread_direct(int fd, MutableByteView out, std::uint64_t offset);
ssize_t write_direct(int fd, ByteView bytes);

}  // namespace salvor
