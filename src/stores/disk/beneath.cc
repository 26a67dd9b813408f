#include "stores/disk/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>

#include "base/error.h"
#include "base/io.h"
#include "base/limits.h"

namespace salvor::stores::disk {
namespace {

constexpr int kRaceAttempts = 16;

// A kernel before 5.6 has no openat2 (ENOSYS), and some sandboxes refuse it (EPERM).
enum class Openat2 { unknown, works, missing };
std::atomic<Openat2> openat2_state{Openat2::unknown};

int openat2_once(int directory, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<__u64>(static_cast<unsigned>(flags | O_CLOEXEC | O_NOFOLLOW));
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
  for (int attempt = 0;; ++attempt) {
    const long fd = syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how);
    // EAGAIN: the kernel saw a rename race, and can't vouch for the result.
    const bool again = fd < 0 && (errno == EINTR || errno == EAGAIN);
    if (!again || attempt == kRaceAttempts) return static_cast<int>(fd);
  }
}

int open_by_components(int directory, std::string_view path, int flags) {
  Fd held;
  int at = directory;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string name(path.substr(0, slash));
    const bool last = slash == std::string_view::npos;
    const int how = last ? flags : O_PATH | O_DIRECTORY;
    const int fd = retried([&] { return openat(at, name.c_str(), how | O_CLOEXEC | O_NOFOLLOW); });
    if (fd < 0 || last) return fd;
    held = Fd(fd);
    at = held.get();
    path.remove_prefix(slash + 1);
  }
}

int open_short(int directory, std::string_view path, int flags) {
  const Openat2 state = openat2_state.load(std::memory_order_relaxed);
  if (state != Openat2::missing) {
    const int fd = openat2_once(directory, std::string(path), flags);
    if (fd >= 0 && state == Openat2::unknown) openat2_state = Openat2::works;
    if (fd < 0 && errno == ENOSYS) openat2_state = Openat2::missing;
    // Once openat2 has worked, EPERM comes from the file (O_NOATIME), not from a sandbox.
    const bool may_be_missing = errno == ENOSYS || (errno == EPERM && state == Openat2::unknown);
    if (fd >= 0 || !may_be_missing) return fd;
  }
  return open_by_components(directory, path, flags);
}

}  // namespace

Fd open_beneath(int root, std::string_view path, int flags) {
  if (path.empty()) return Fd(openat(root, ".", flags | O_CLOEXEC));
  Fd held;
  int at = root;
  while (path.size() >= PATH_MAX) {
    const std::size_t slash = path.rfind('/', PATH_MAX - 1);
    if (slash == std::string_view::npos || slash == 0) {
      errno = ENAMETOOLONG;
      return {};
    }
    Fd next(open_short(at, path.substr(0, slash), O_PATH | O_DIRECTORY));
    if (!next) return {};
    held = std::move(next);
    at = held.get();
    path.remove_prefix(slash + 1);
  }
  return Fd(open_short(at, path, flags));
}

Fd find_beneath(int root, std::string_view path, int flags) {
  Fd fd = open_beneath(root, path, flags);
  if (!fd && errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
    throw_system_error("cannot open", path, errno);
  }
  return fd;
}

std::string checked_path(ByteView key) {
  const std::string_view raw = as_text(key);
  std::string path(raw);
  std::size_t start = 0;
  while (!raw.empty() && start <= raw.size()) {
    const std::size_t end = std::min(raw.find('\0', start), raw.size());
    const std::string_view name = raw.substr(start, end - start);
    if (name.empty() || name == "." || name == ".." || name.size() > kNameBytesMax ||
        name.find('/') != std::string_view::npos) {
      throw Error(ErrorCode::corruption,
                  "found an impossible name in the snapshot: " + printable(raw),
                  "run salvor verify --data");
    }
    if (end < raw.size()) path[end] = '/';
    start = end + 1;
  }
  return path;
}

SplitPath split(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {{}, path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace salvor::stores::disk
