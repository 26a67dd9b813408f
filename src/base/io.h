#pragma once

#include <sys/types.h>

#include <cerrno>

#include "base/bytes.h"

/// System calls on descriptors, done to their end: what moves fewer bytes than asked is continued,
/// and what a signal (or a file server) interrupts is made again. All loops over such calls are
/// here, so that no other place can get one wrong.
/// Errors:  -1 or false, with errno.   Threads: any.
namespace salvor {

/// Makes a call again as long as it was interrupted. `call` must change nothing before it succeeds.
template <class Call>
auto retried(const Call& call) -> decltype(call()) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

/// Fills `out`.   Shape: the bytes read, less than out.size() only at the end of the file.
ssize_t read_whole(int fd, MutableByteView out);
ssize_t pread_whole(int fd, MutableByteView out, std::uint64_t offset);

/// Writes all of `bytes`, or fails (with some of them written).
bool write_whole(int fd, ByteView bytes);
bool pwrite_whole(int fd, ByteView bytes, std::uint64_t offset);

/// Closes what was written to: some file systems (NFS, FUSE) tell only then that it could not be
/// kept. The descriptor is gone in any case.
bool close_written(int fd);

/// A stretch of a file that has data, from `start` up to `end`.   Units: bytes.
struct DataRange {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};

/// The first stretch of data in [at, size): what lies between `at` and its start is a hole. Empty
/// (start == end == size) when the rest is a hole. Never takes data for a hole: where the file
/// system can't say, or fails to, all is data.
/// Shape:   at < size; at <= start < end <= size, or start == end == size.
DataRange next_data(int fd, std::uint64_t at, std::uint64_t size);

}  // namespace salvor
