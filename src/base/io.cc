#include "base/io.h"

#include <unistd.h>

#include <algorithm>

namespace salvor {
namespace {

/// Calls `read_part(done)` until `size` bytes are there, or the file ends.
template <class ReadPart>
ssize_t read_all(std::size_t size, const ReadPart& read_part) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = retried([&] { return read_part(done); });
    if (count < 0) return -1;
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return static_cast<ssize_t>(done);
}

template <class WritePart>
bool write_all(std::size_t size, const WritePart& write_part) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t count = retried([&] { return write_part(done); });
    if (count < 0) return false;
    if (count == 0) {  // no file system does this; a loop without end would say nothing
      errno = EIO;
      return false;
    }
    done += static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace

ssize_t read_whole(int fd, MutableByteView out) {
  return read_all(out.size(), [&](std::size_t done) {
    return ::read(fd, out.data() + done, out.size() - done);
  });
}

ssize_t pread_whole(int fd, MutableByteView out, std::uint64_t offset) {
  return read_all(out.size(), [&](std::size_t done) {
    return ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
  });
}

bool write_whole(int fd, ByteView bytes) {
  return write_all(bytes.size(), [&](std::size_t done) {
    return ::write(fd, bytes.data() + done, bytes.size() - done);
  });
}

bool pwrite_whole(int fd, ByteView bytes, std::uint64_t offset) {
  return write_all(bytes.size(), [&](std::size_t done) {
    return ::pwrite(fd, bytes.data() + done, bytes.size() - done,
                    static_cast<off_t>(offset + done));
  });
}

bool close_written(int fd) {
  // On Linux the descriptor is closed although the call was interrupted.
  return ::close(fd) == 0 || errno == EINTR;
}

DataRange next_data(int fd, std::uint64_t at, std::uint64_t size) {
  const off_t data = retried([&] { return ::lseek(fd, static_cast<off_t>(at), SEEK_DATA); });
  if (data < 0 && errno == ENXIO) return {size, size};
  if (data < 0) return {at, size};
  const std::uint64_t start = std::max(at, static_cast<std::uint64_t>(data));
  if (start >= size) return {size, size};
  const off_t hole = retried([&] { return ::lseek(fd, data, SEEK_HOLE); });
  const std::uint64_t end = hole < 0 ? size : std::min(static_cast<std::uint64_t>(hole), size);
  // If somebody punches a hole at this moment, its zeros are read as data.
  return {start, end > start ? end : size};
}

}  // namespace salvor
