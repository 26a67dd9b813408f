#include "catalog/internal/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/log.h"

namespace salvor::catalog::internal {
namespace {

constexpr std::size_t kTextBytesMax = 1000;

/// A lock on the whole file, held by the open file: closing another descriptor of this process does
/// not drop it.
struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

bool is_still_there(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && status.st_nlink > 0;
}

/// The text of a lock file: where it lies, so that a copy of it counts for nothing, and whose it
/// is.
std::string inscription(int fd, const std::filesystem::path& path, std::string_view process) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw_system_error("cannot read", path.native(), errno);
  return fmt::format("{} {}\n{}", status.st_dev, status.st_ino, process);
}

std::string text_in(int fd, const std::filesystem::path& path) {
  Bytes text(kTextBytesMax);
  text.resize(pread_some(fd, text, 0, path.native()));
  return std::string(as_text(text));
}

}  // namespace

RunLock::RunLock(const std::filesystem::path& directory, const std::string& run)
    : path_(directory / run) {
  make_private_directories(directory);
  do {
    fd_ = open_file(path_, O_RDWR | O_CREAT);
    struct flock lock = whole_file(F_WRLCK);
    while (::fcntl(fd_.get(), F_OFD_SETLK, &lock) != 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EACCES) {
        throw_system_error("cannot lock", path_.native(), errno);
      }
      throw Error(ErrorCode::conflict, fmt::format("another process carries out run {}", run));
    }
    // The former holder may have removed the file in between.
  } while (!is_still_there(fd_.get()));
  try {
    const std::string text = inscription(fd_.get(), path_, own_process_identity());
    pwrite_all(fd_.get(), as_bytes(text), 0, path_.native());
    set_size(fd_.get(), text.size(), path_.native());
  } catch (const Error& error) {
    // On a full disk the lock still says that the run lives. It won't say later which process died.
    log::debug("the lock of run {} does not name its process: {}", run, error.message());
  }
}

void RunLock::end() {
  ::unlink(path_.c_str());
  fd_.close();
}

std::optional<Liveness> liveness_by_lock(const std::filesystem::path& directory,
                                         std::string_view run, std::string_view process) {
  const std::filesystem::path path = directory / run;
  const Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return std::nullopt;
  const std::string text = text_in(fd.get(), path);
  // Ask for the lock without taking it, so that nobody is kept out.
  struct flock lock = whole_file(F_RDLCK);
  if (::fcntl(fd.get(), F_OFD_GETLK, &lock) != 0) return std::nullopt;
  if (lock.l_type != F_UNLCK) return Liveness::alive;
  // A process that takes the lock and writes its name meanwhile is alive.
  // Locks of another kernel are not seen here.
  const bool is_witness = is_of_this_boot(process).value_or(false) &&
                          text == inscription(fd.get(), path, process) &&
                          text == text_in(fd.get(), path);
  if (!is_witness || liveness_of(process) == Liveness::alive) return std::nullopt;
  return Liveness::dead;
}

void remove_lock(const std::filesystem::path& directory, std::string_view run) {
  ::unlink((directory / run).c_str());
}

}  // namespace salvor::catalog::internal
