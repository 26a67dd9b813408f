#include "base/answers.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/fd.h"

namespace salvor {
namespace {

/// After this time without an answer more processes ask the paths that are left.
constexpr std::int64_t kStall_ms = 50;
constexpr std::size_t kAskersMax = 256;

using Flag = std::atomic<bool>;
using Count = std::atomic<std::uint32_t>;
static_assert(Flag::is_always_lock_free && Count::is_always_lock_free);

/// The memory that the processes share; zero at first.
class Board {
 public:
  explicit Board(std::size_t paths)
      : bytes_(sizeof(Head) + paths * sizeof(Flag)),
        memory_(
            ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw_system_error("cannot share", "memory", errno);
  }
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;
  ~Board() { ::munmap(memory_, bytes_); }

  /// The first path that nobody has taken.
  Count& next() const { return static_cast<Head*>(memory_)->next; }
  /// How many have answered.
  Count& answers() const { return static_cast<Head*>(memory_)->answers; }
  Flag& answered(std::size_t path) const {
    return reinterpret_cast<Flag*>(static_cast<Head*>(memory_) + 1)[path];
  }

 private:
  struct Head {
    Count next;
    Count answers;
  };

  const std::size_t bytes_;
  void* const memory_;
};

/// A path, and its place in the lock file.
struct Asked {
  const char* path;
  off_t place;
};

/// A question as the asking process knows it.
struct Task {
  const Asked* paths;
  std::uint32_t count;
  const Board& board;
  int done;               ///< an event descriptor
  const char* lock_file;  ///< or null
  std::int64_t limit_ns;  ///< of the monotonic clock: nobody waits for a lock any longer
};

/// Two paths with the same place in the lock file are asked one after the other. That is harmless.
off_t place_of(std::string_view path) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char character : path) {
    hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3;
  }
  return static_cast<off_t>(hash >> 2U);  // neither negative, nor the last one that can be locked
}

/// The kernel's numbers of mounted file systems, by mount point. None of them is asked.
class Mounts {
 public:
  Mounts() {
    std::ifstream table("/proc/self/mountinfo");  // proc(5)
    for (std::string line; std::getline(table, line);) {
      std::istringstream fields(line);
      Mount mount;
      std::string skipped;
      fields >> skipped >> skipped >> mount.device >> skipped >> mount.point;
      mounts_.push_back(std::move(mount));
    }
  }

  /// The file system on which a path lies, links not followed; empty: not known. What the table
  /// escapes in a name (a blank) is taken for the file system above it.
  std::string device_of(const std::string& path) const {
    const Mount* found = nullptr;
    for (const Mount& mount : mounts_) {
      const bool holds =
          mount.point == "/" || path == mount.point || path.starts_with(mount.point + '/');
      if (holds && (found == nullptr || mount.point.size() >= found->point.size())) found = &mount;
    }
    return found == nullptr ? std::string() : found->device;
  }

 private:
  struct Mount {
    std::string device;
    std::string point;
  };
  std::vector<Mount> mounts_;
};

// From here to "To here": the other processes. Another thread may have held any lock when
// they were forked, so they make async-signal-safe calls only.

/// Opens a path without a change of its access time, where that is permitted.
int open_to_ask(const char* path, int flags) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  const int fd = ::open(path, kFlags | O_NOATIME | flags);
  return fd < 0 && errno == EPERM ? ::open(path, kFlags | flags) : fd;
}

void ask(const char* path) {
  struct stat status {};
  if (::stat(path, &status) != 0) return;
  struct statfs space {};
  ::statfs(path, &space);
  const bool is_directory = S_ISDIR(status.st_mode);
  if (!is_directory && !S_ISREG(status.st_mode)) return;
  const int fd = open_to_ask(path, is_directory ? O_DIRECTORY : 0);
  if (fd < 0) return;
  std::array<char, 4096> buffer{};
  if (is_directory) {
    ::syscall(SYS_getdents64, fd, buffer.data(), buffer.size());
  } else {
    [[maybe_unused]] const ssize_t size = ::pread(fd, buffer.data(), 1, 0);
  }
  ::close(fd);
}

/// A file of our own: locks of an open file last until nobody has it open, and no other process has
/// this one.
int open_lock_file(const char* lock_file) {
  if (lock_file == nullptr) return -1;
  return ::open(lock_file, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
}

int set_lock(int file, off_t place, short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = place;
  lock.l_len = 1;
  return ::fcntl(file, F_OFD_SETLK, &lock);
}

std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

/// Whether the path may be asked: not while another process waits too long for its answer. Without
/// locks every process may ask.
bool lock_path(int file, off_t place, std::int64_t limit_ns) {
  if (file < 0) return true;
  constexpr timespec kAgainAfter{0, 5'000'000};
  while (set_lock(file, place, F_WRLCK) != 0) {
    if (errno != EAGAIN && errno != EACCES) return true;
    if (monotonic_ns() > limit_ns) return false;
    ::nanosleep(&kAgainAfter, nullptr);
  }
  return true;
}

/// Asks one path after the other, and marks those that have answered.
[[noreturn]] void ask_in_turn(const Task& task) {
  // A process that waits for the end of our standard output must not wait for this one.
  const auto kept = static_cast<unsigned>(task.done);
  if (kept > 0) ::syscall(SYS_close_range, 0U, kept - 1, 0U);
  ::syscall(SYS_close_range, kept + 1, ~0U, 0U);
  const int locks = open_lock_file(task.lock_file);
  const Board& board = task.board;
  for (std::uint32_t i = board.next()++; i < task.count; i = board.next()++) {
    const Asked& asked = task.paths[i];
    if (!lock_path(locks, asked.place, task.limit_ns)) continue;
    ask(asked.path);
    if (locks >= 0) set_lock(locks, asked.place, F_UNLCK);
    board.answered(i) = true;
    if (++board.answers() < task.count) continue;
    const std::uint64_t one = 1;
    // If this fails, the answers are only seen a little later.
    [[maybe_unused]] const ssize_t written = ::write(task.done, &one, sizeof one);
  }
  ::_exit(0);
}

/// Our child starts the asking processes and ends. They become children of init, which collects
/// them whenever they end.
[[noreturn]] void begin_askers(std::size_t askers, const Task& task) {
  ::setpgid(0, 0);
  int status = 0;
  for (std::size_t i = 0; i < askers; ++i) {
    const pid_t pid = ::_Fork();
    if (pid == 0) ask_in_turn(task);
    if (pid < 0) status = errno;
  }
  ::_exit(status);
}

// To here.

/// One question about several paths.
class Question {
 public:
  Question(std::span<const std::filesystem::path> paths, const std::filesystem::path& lock_file)
      : board_(paths.size()),
        done_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        lock_file_(lock_file.empty() ? nullptr : lock_file.c_str()) {
    if (!done_) throw_system_error("cannot create", "an event descriptor", errno);
    std::error_code ignored;  // without a working directory all relative paths are missing
    const std::filesystem::path here = std::filesystem::current_path(ignored);
    const Mounts mounts;
    for (const std::filesystem::path& path : paths) {
      const std::string whole = (here / path).lexically_normal().native();
      // A container that shares the lock file may have another file system at the same path.
      asked_.push_back({path.c_str(), place_of(mounts.device_of(whole) + whole)});
    }
  }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  /// A process that hangs where no signal reaches it ends when its mount goes.
  ~Question() {
    if (all_answered()) return;
    for (const pid_t group : groups_) ::kill(-group, SIGKILL);
  }

  void wait(std::int64_t wait_ms, const std::stop_token& stop) {
    Clock& clock = Clock::system();
    const Time limit{clock.monotonic().ns + wait_ms * 1'000'000};
    limit_ns_ = monotonic_ns() + wait_ms * 1'000'000;
    begin(1);
    std::uint32_t before = 0;
    while (!all_answered()) {
      if (stop.stop_requested()) {
        throw Error(ErrorCode::cancelled, "stopped while asking whether paths answer");
      }
      const std::int64_t left_ms = (limit.ns - clock.monotonic().ns) / 1'000'000;
      if (left_ms <= 0) return;
      pollfd ready{done_.get(), POLLIN, 0};
      if (::poll(&ready, 1, static_cast<int>(std::min(left_ms, kStall_ms))) != 0) continue;
      const std::uint32_t now = board_.answers();
      const bool stalls = now == before && board_.next() < asked_.size();
      if (stalls && begun_ < kAskersMax) begin(std::min(begun_, kAskersMax - begun_));
      before = now;
    }
  }

  bool has_answered(std::size_t path) const { return board_.answered(path); }

 private:
  bool all_answered() const { return board_.answers() >= asked_.size(); }

  void begin(std::size_t askers) {
    const Task task{asked_.data(), static_cast<std::uint32_t>(asked_.size()),
                    board_,        done_.get(),
                    lock_file_,    limit_ns_};
    const pid_t child = ::_Fork();
    if (child == 0) begin_askers(askers, task);
    if (child < 0 && begun_ > 0) return;  // those that there are go on
    if (child < 0) throw_system_error("cannot begin", "a process that asks paths", errno);
    groups_.push_back(child);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    const bool none_asks = begun_ == 0 && WIFEXITED(status) && WEXITSTATUS(status) != 0;
    if (none_asks) {
      throw_system_error("cannot begin", "a process that asks paths", WEXITSTATUS(status));
    }
    begun_ += askers;
  }

  std::vector<Asked> asked_;
  const Board board_;
  const Fd done_;
  const char* const lock_file_;
  std::int64_t limit_ns_ = 0;
  std::vector<pid_t> groups_;
  std::size_t begun_ = 0;
};

/// Requires that no other user can lock the file: whoever can read it could.
bool is_ours_alone(const Fd& file) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return false;
  constexpr mode_t kOfOthers = S_IRWXG | S_IRWXO;
  return S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_uid == ::geteuid() &&
         (status.st_mode & kOfOthers) == 0;
}

}  // namespace

std::filesystem::path usable_lock_file(std::span<const std::filesystem::path> files) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  for (const std::filesystem::path& file : files) {
    if (file.empty()) continue;
    const Fd fd(::open(file.c_str(), kFlags, 0600));
    if (fd.valid() && is_ours_alone(fd)) return file;
  }
  return {};
}

std::filesystem::path runtime_lock_file() {
  constexpr const char* kName = "salvor.asking";
  if (::geteuid() == 0) return std::filesystem::path("/run") / kName;
  const char* directory = std::getenv("XDG_RUNTIME_DIR");
  if (directory == nullptr || *directory != '/') return {};
  return std::filesystem::path(directory) / kName;
}

std::vector<std::filesystem::path> paths_without_answer(
    std::span<const std::filesystem::path> paths, std::int64_t wait_ms, std::stop_token stop,
    const std::filesystem::path& lock_file) {
  if (paths.empty()) return {};
  Question question(paths, lock_file);
  question.wait(wait_ms, stop);
  std::vector<std::filesystem::path> silent;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (!question.has_answered(i)) silent.push_back(paths[i]);
  }
  return silent;
}

}  // namespace salvor
