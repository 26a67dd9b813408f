#pragma once

#include <cstdlib>
#include <memory>

#include "base/bytes.h"

/// Reading and writing past the page cache (O_DIRECT), for bytes that pass once. A backup must not
/// push the service's own pages out of memory, nor pay for copies into pages that nobody reads
/// again.
/// Example: set_direct(fd, true), then any number of pread_direct() or write_direct(). At EINVAL
///          turn O_DIRECT off, and use the functions of base/io.h instead.
namespace salvor {

/// How much goes to the kernel in one call: 1 MiB.
inline constexpr std::size_t kDirectBlockBytes = 1U << 20U;
/// What offsets, sizes and memory are aligned to: 4 KiB serves every common medium.
inline constexpr std::size_t kDirectAlignBytes = 4096;

/// One block of memory that is aligned as direct I/O wants it. Move only.
/// Units:  kDirectBlockBytes bytes, aligned to kDirectAlignBytes.
/// Errors: std::bad_alloc.
class DirectBuffer {
 public:
  DirectBuffer();
  std::byte* data() { return data_.get(); }
  static constexpr std::size_t size() { return kDirectBlockBytes; }

 private:
  /// What std::aligned_alloc() gives is freed by std::free().
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<std::byte, Free> data_;
};

/// Turns O_DIRECT on or off for an open file. False where the file system can't.
bool set_direct(int fd, bool on);

/// The same as pread_whole() and write_whole() of base/io.h, through an aligned block that belongs
/// to the calling thread. The caller has called set_direct() before. Only whole blocks of
/// kDirectAlignBytes go past the cache. For the rest (a tail, or what follows a call that moved
/// fewer bytes) O_DIRECT is turned off, and stays off.
/// Errors:  -1 or false with errno; EINVAL when the medium wants another alignment.
/// Threads: any; one at a time for a descriptor, whose flag they change.
ssize_t pread_direct(int fd, MutableByteView out, std::uint64_t offset);
bool write_direct(int fd, ByteView bytes);

}  // namespace salvor
