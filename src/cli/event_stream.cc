#include "cli/event_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "base/log.h"

namespace salvor::cli {
namespace {

Error wrong_descriptor(std::size_t descriptor, std::string_view found) {
  return {ErrorCode::usage,
          fmt::format("option --events is {}, {}, expected a descriptor from 3 on that is open for "
                      "writing",
                      descriptor, found),
          "open it in the shell: salvor backup --events 3 3> events"};
}

/// Errors: usage.
int checked(std::size_t descriptor) {
  if (descriptor <= STDERR_FILENO) {
    throw wrong_descriptor(descriptor, "which has another purpose");
  }
  const bool is_one = descriptor <= std::size_t{std::numeric_limits<int>::max()};
  const int fd = is_one ? static_cast<int>(descriptor) : -1;
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) throw wrong_descriptor(descriptor, "which is not open");
  const int access = flags & O_ACCMODE;
  const bool writes = (flags & O_PATH) == 0 && (access == O_WRONLY || access == O_RDWR);
  if (!writes) throw wrong_descriptor(descriptor, "which can't be written to");
  // Commands of the service must not keep it open for the reader.
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
}

void warn(int fd, int problem) {
  log::warning("the events can't be written to descriptor {}: {}; the run goes on without", fd,
               std::strerror(problem));
}

}  // namespace

EventStream::EventStream(std::size_t descriptor) : fd_(checked(descriptor)) {
  struct stat status {};
  is_socket_ = ::fstat(fd_, &status) == 0 && S_ISSOCK(status.st_mode);
}

/// Whether the event belongs where it comes; notes the run that it begins or ends.
bool EventStream::follow(const control::Event& event) {
  if (std::holds_alternative<control::PhaseProgress>(event)) return !run_.empty();
  if (const auto* began = std::get_if<control::RunBegan>(&event)) run_ = began->run;
  if (std::holds_alternative<control::RunEnded>(event)) any_ended_ = true;
  return true;
}

bool EventStream::is_ready(int wait_ms) const {
  pollfd output{fd_, POLLOUT, 0};
  return ::poll(&output, 1, wait_ms) > 0;
}

/// Asks for a ready descriptor: then a pipe has room for a whole line, and does not block.
std::ptrdiff_t EventStream::send(std::string_view bytes) const {
  return is_socket_ ? ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                    : ::write(fd_, bytes.data(), bytes.size());
}

void EventStream::flush() {
  while (!waiting_.empty() && !is_over_ && is_ready(0)) {
    const std::ptrdiff_t sent = send(waiting_.front());
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) {
      is_over_ = true;
      const bool is_reader_gone = errno == EPIPE || errno == ECONNRESET;
      problem_ = is_reader_gone ? 0 : errno;
      waiting_.clear();
      return;
    }
    // A socket or a file may take only a part.
    waiting_.front().erase(0, static_cast<std::size_t>(sent));
    if (waiting_.front().empty()) waiting_.pop_front();
  }
}

void EventStream::add(control::Event event) {
  if (!follow(event)) return;
  flush();
  const bool is_progress = std::holds_alternative<control::PhaseProgress>(event);
  if (is_over_ || (is_progress && (!waiting_.empty() || !is_ready(0)))) return;
  auto* ended = std::get_if<control::RunEnded>(&event);
  if (waiting_.size() >= kWaitingMax && ended == nullptr) {
    ++dropped_;
    return;
  }
  if (ended != nullptr) ended->dropped = dropped_;
  waiting_.push_back(control::to_json(event, run_, Clock::system().now()) + '\n');
  if (ended != nullptr) run_.clear();
  flush();
}

void EventStream::write(const control::Event& event) {
  int problem = 0;
  {
    const std::lock_guard lock(mutex_);
    if (is_over_) return;
    add(event);
    problem = problem_;
  }
  // Call this without the lock: the warning is an event as well.
  if (problem != 0) warn(fd_, problem);
}

void EventStream::end(int status, const std::optional<Error>& error) {
  std::unique_lock lock(mutex_);
  if (is_over_) return;
  if (!any_ended_ || !run_.empty()) {
    add(control::RunEnded{run_.empty() ? "" : "failed", status, error});
  }
  wait_for_reader();
  is_over_ = true;
  const int problem = problem_;
  lock.unlock();
  if (problem != 0) warn(fd_, problem);
}

void EventStream::wait_for_reader() {
  Clock& clock = Clock::system();
  const std::int64_t limit_ns = clock.monotonic().ns + std::int64_t{kPatience_ms} * 1'000'000;
  while (!waiting_.empty() && !is_over_) {
    const std::int64_t left_ms = (limit_ns - clock.monotonic().ns) / 1'000'000;
    if (left_ms <= 0) return;
    if (is_ready(static_cast<int>(left_ms))) flush();
  }
}

void EventStream::leave() {
  const std::lock_guard lock(mutex_);
  is_over_ = true;
}

}  // namespace salvor::cli
