// Preloaded into the program by syscalls.py: reads and writes of files below SALVOR_SHORT_ROOT move
// fewer bytes than asked, as the kernel may: every SALVOR_SHORT_EVERY-th call whose name is
// SALVOR_SHORT_CALL. The bytes that are not moved are really not moved.

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

constexpr std::size_t kAligned = 4096;
std::atomic<unsigned long> calls{0};

std::string_view setting(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool is_meant(std::string_view name, int fd) {
  if (setting("SALVOR_SHORT_CALL") != name) return false;
  char path[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = readlink(link.c_str(), path, sizeof path);
  const std::string_view root = setting("SALVOR_SHORT_ROOT");
  if (size < 0 || root.empty()) return false;
  if (!std::string_view(path, static_cast<std::size_t>(size)).starts_with(root)) return false;
  const unsigned long every = strtoul(setting("SALVOR_SHORT_EVERY").data(), nullptr, 10);
  return every != 0 && calls++ % every == 0;
}

/// Half of it; of a descriptor with O_DIRECT a multiple of what that asks for.
std::size_t shortened(std::string_view name, int fd, std::size_t size) {
  if (size < 2 || !is_meant(name, fd)) return size;
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_DIRECT) == 0) return size / 2;
  const std::size_t half = size / 2 / kAligned * kAligned;
  return half == 0 ? size : half;
}

}  // namespace

extern "C" {

ssize_t read(int fd, void* out, std::size_t size) {
  return syscall(SYS_read, fd, out, shortened("read", fd, size));
}

ssize_t write(int fd, const void* in, std::size_t size) {
  return syscall(SYS_write, fd, in, shortened("write", fd, size));
}

ssize_t pread(int fd, void* out, std::size_t size, off_t at) {
  return syscall(SYS_pread64, fd, out, shortened("pread64", fd, size), at);
}

ssize_t pread64(int fd, void* out, std::size_t size, off64_t at) {
  return syscall(SYS_pread64, fd, out, shortened("pread64", fd, size), at);
}

ssize_t pwrite(int fd, const void* in, std::size_t size, off_t at) {
  return syscall(SYS_pwrite64, fd, in, shortened("pwrite64", fd, size), at);
}

ssize_t pwrite64(int fd, const void* in, std::size_t size, off64_t at) {
  return syscall(SYS_pwrite64, fd, in, shortened("pwrite64", fd, size), at);
}

ssize_t copy_file_range(int from, off64_t* from_at, int to, off64_t* to_at, std::size_t size,
                        unsigned flags) {
  return syscall(SYS_copy_file_range, from, from_at, to, to_at,
                 shortened("copy_file_range", to, size), flags);
}

}  // extern "C"
