#include "config/internal/read_in_time.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "base/error.h"

namespace salvor::config::internal {
namespace {

constexpr std::int64_t kPoll_ms = 100;

/// Only of a pipe it is known that no writer may have come yet.
bool is_pipe(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

}  // namespace

Fd open_to_wait(const std::filesystem::path& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

std::size_t read_in_time(int fd, MutableByteView out, std::string_view path, std::stop_token stop,
                         std::int64_t limit_ms) {
  const Time limit{Clock::system().monotonic().ns + limit_ms * 1'000'000};
  const bool waits_for_writer = is_pipe(fd);
  std::size_t count = 0;
  bool had_writer = !waits_for_writer;
  while (count < out.size()) {
    if (stop.stop_requested()) {
      throw Error(ErrorCode::cancelled, fmt::format("stopped while reading {}", printable(path)));
    }
    if (Clock::system().monotonic() >= limit) {
      throw Error(
          ErrorCode::failed,
          fmt::format("reading {} did not end within {} s", printable(path), limit_ms / 1000),
          "check that a program writes to the pipe, and closes it");
    }
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(kPoll_ms)) <= 0) continue;
    const ssize_t size = ::read(fd, out.data() + count, out.size() - count);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size < 0) throw_system_error("cannot read", path, errno);
    if (size == 0 && had_writer) break;
    // Before its first writer a pipe looks as at its end.
    if (size == 0 && (ready.revents & POLLHUP) != 0) break;
    had_writer = had_writer || size > 0;
    count += static_cast<std::size_t>(size);
  }
  return count;
}

}  // namespace salvor::config::internal
