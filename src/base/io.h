#pragma once

#include <sys/types.h>

#include <cerrno>

#include "base/bytes.h"

/// System calls on descriptors, carried through to their end. A call that moved fewer bytes than
/// asked is continued; a call that a signal (or a file server) interrupted is made again. All loops
/// over such calls are here, so that no other place can get one wrong. For functions that throw,
/// see base/fd.h.
/// Errors:  -1 or false, with errno.
/// Threads: any.
namespace salvor {

/// Makes a call again as long as it fails with EINTR. `call` must change nothing before it
/// succeeds.
/// Shape: the result of the last call: negative, with errno, when it failed.
template <class Call>
auto retried(const Call& call) -> decltype(call()) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

/// Fills `out`, from the descriptor's position or from `offset`.
/// Shape: the number of bytes read; it is less than out.size() only at the end of the file.
ssize_t read_whole(int fd, MutableByteView out);
ssize_t pread_whole(int fd, MutableByteView out, std::uint64_t offset);

/// Writes all of `bytes`, or fails; then some of them may have been written.
bool write_whole(int fd, ByteView bytes);
bool pwrite_whole(int fd, ByteView bytes, std::uint64_t offset);

/// Closes a file that was written to, and says whether its content could be kept: some file systems
/// (NFS, FUSE) report that at the close only. The descriptor is gone in any case.
bool close_written(int fd);

/// A stretch of a file that holds data, from `start` up to, but without, `end`.
/// Units: bytes.
struct DataRange {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};

/// The first stretch of data in [at, size). What lies between `at` and its start is a hole. Data is
/// never taken for a hole: where the file system can't tell, all is data.
/// Shape:  at < size is required; at <= start < end <= size, or start == end == size where the rest
///         is a hole.
/// Errors: none.
DataRange next_data(int fd, std::uint64_t at, std::uint64_t size);

}  // namespace salvor
