#include "checks/internal/log_follower.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"

namespace salvor::checks {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10U;
constexpr std::size_t kLogLineBytesMax = std::size_t{64} << 10U;
constexpr std::size_t kShownBytes = 300;
constexpr std::size_t kShownBytesBefore = 100;

struct stat status_of(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw_system_error("cannot look at", path, errno);
  return status;
}

}  // namespace

LogFollower::LogFollower(std::filesystem::path log, std::string text)
    : log_(std::move(log)), text_(std::move(text)) {
  try {
    current_ = open();
    // A log that appears later is new as a whole.
    if (!current_) skip_present_ = false;
  } catch (const Error&) {
    return;  // told by read_on(), which tries again
  }
  if (!std::exchange(skip_present_, false)) return;
  current_->offset = static_cast<std::uint64_t>(status_of(current_->fd.get(), log_).st_size);
}

std::optional<LogFollower::File> LogFollower::open() const {
  // Without O_NONBLOCK a fifo would wait for its writer.
  Fd fd(::open(log_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) {
    const int error = errno;
    if (error != ENOENT) throw_system_error("cannot open", log_.native(), error);
    const std::filesystem::path directory = log_.parent_path();
    if (directory.empty() || std::filesystem::is_directory(directory)) return std::nullopt;
    throw_system_error("cannot find", directory.native(), ENOENT);
  }
  const struct stat status = status_of(fd.get(), log_);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::failed, "cannot follow " + printable(log_.native()) + ": it is no file");
  }
  File file;
  file.fd = std::move(fd);
  file.device = status.st_dev;
  file.inode = status.st_ino;
  return file;
}

std::uint64_t LogFollower::read_on(bool last, const std::stop_token& stop) {
  const std::uint64_t before = count_;
  if (previous_) read_to_end(*previous_, stop);
  if (current_) read_to_end(*current_, stop);
  follow_rotation();
  if (current_) read_to_end(*current_, stop);
  if (last) {
    if (previous_) end_line(*previous_);
    if (current_) end_line(*current_);
  }
  return count_ - before;
}

/// Opens the file that the log's name leads to now. An inode that is held open is not reused.
void LogFollower::follow_rotation() {
  std::optional<File> now = open();
  if (!now) return;
  if (current_ && current_->inode == now->inode && current_->device == now->device) return;
  if (skip_present_) {
    now->offset = static_cast<std::uint64_t>(status_of(now->fd.get(), log_).st_size);
    skip_present_ = false;
  }
  if (previous_) end_line(*previous_);
  previous_ = std::exchange(current_, std::move(now));
}

void LogFollower::read_to_end(File& file, const std::stop_token& stop) {
  // Stop at the present end: a log may grow faster than it is read.
  const auto end = static_cast<std::uint64_t>(status_of(file.fd.get(), log_).st_size);
  if (end < file.offset) {
    end_line(file);
    file.offset = 0;
  }
  Bytes buffer(std::min<std::uint64_t>(kReadBytes, end - file.offset));
  while (file.offset < end) {
    if (stop.stop_requested()) throw Error(ErrorCode::cancelled, "stopped");
    const std::size_t wanted = std::min<std::uint64_t>(buffer.size(), end - file.offset);
    const std::size_t got = pread_some(file.fd.get(), MutableByteView(buffer).first(wanted),
                                       file.offset, log_.native());
    if (got == 0) return;
    feed(file, as_text(ByteView(buffer).first(got)));
    file.offset += got;
  }
}

void LogFollower::feed(File& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    file.line += bytes.substr(0, newline);
    if (newline == std::string_view::npos) break;
    end_line(file);
    bytes.remove_prefix(newline + 1);
  }
  if (file.line.size() > kLogLineBytesMax) {
    look(file);
    // What is kept may be the beginning of the text.
    file.line.erase(0, file.line.size() - std::min(file.line.size(), text_.size()));
  }
}

void LogFollower::look(File& file) {
  if (file.matches) return;
  const std::size_t at = file.line.find(text_);
  if (at == std::string::npos) return;
  file.matches = true;
  candidate_ = file.line.substr(std::max(at, kShownBytesBefore) - kShownBytesBefore, kShownBytes);
}

void LogFollower::end_line(File& file) {
  look(file);
  if (std::exchange(file.matches, false)) {
    ++count_;
    last_line_ = candidate_;
  }
  file.line.clear();
}

}  // namespace salvor::checks
