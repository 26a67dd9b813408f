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

/// pread_whole() and write_whole() of base/io.h through an aligned block of this thread's; `fd` is
/// direct already. Only whole blocks go direct: for the rest (a tail, or what follows a call that
/// moved fewer bytes) O_DIRECT is turned off, and stays off.
/// Errors:  -1 or false with errno; EINVAL when the medium wants another alignment.
ssize_t pread_direct(int fd, MutableByteView out, std::uint64_t offset);
bool write_direct(int fd, ByteView bytes);

}  // namespace salvor
