#include "stores/disk/aside.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "stores/disk/beneath.h"
#include "stores/disk/mounts.h"

namespace salvor::stores::disk {
namespace {

constexpr int kAttempts = 1000;

/// "20260203T040506Z"
std::string compact_time(Time time) {
  std::string text;
  for (const char c : format_time(time).substr(0, 19)) {
    if (c != '-' && c != ':') text.push_back(c);
  }
  return text + "Z";
}

int rename_no_replace(int from, const char* name, int to) {
  if (renameat2(from, name, to, name, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  // A file system without that flag: the destination is ours alone, so looking first is enough.
  struct stat status {};
  if (fstatat(to, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return -1;
  }
  return renameat(from, name, to, name);
}

}  // namespace

std::string Aside::base() const {
  const std::string time = compact_time(clock_.now());
  const auto mounts = is_live_ ? mounts_within(target_) : std::vector<std::filesystem::path>();
  const bool is_mount = std::find(mounts.begin(), mounts.end(), target_) != mounts.end();
  if (is_mount) return target_ / (std::string(kAsideWithin) + time);
  return target_.native() + ".aside-" + time;
}

void Aside::make_root() {
  if (root_) return;
  const std::string first = base();
  for (int attempt = 1;; ++attempt) {
    path_ = attempt == 1 ? first : first + "-" + std::to_string(attempt);
    if (mkdir(path_.c_str(), 0700) == 0) break;
    if (errno != EEXIST || attempt == kAttempts) {
      throw_system_error("cannot create directory", path_.native(), errno);
    }
  }
  root_ = open_file(path_, O_RDONLY | O_DIRECTORY);
}

int Aside::make_parents(std::string_view path) {
  if (path.empty()) return root_.get();
  if (parents_ && path == parents_path_) return parents_.get();
  Fd held;
  int at = root_.get();
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string name(rest.substr(0, slash));
    if (mkdirat(at, name.c_str(), 0700) != 0 && errno != EEXIST) {
      throw_system_error("cannot create directory aside for", path, errno);
    }
    Fd next(openat(at, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) throw_system_error("cannot open directory aside for", path, errno);
    held = std::move(next);
    at = held.get();
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  }
  parents_ = std::move(held);
  parents_path_ = path;
  return parents_.get();
}

void Aside::move(int parent, const std::string& name, std::string_view path) {
  const std::lock_guard lock(mutex_);
  make_root();
  if (rename_no_replace(parent, name.c_str(), make_parents(split(path).parent)) != 0) {
    const int error = errno;
    if (error == EXDEV) {
      throw Error(ErrorCode::refused,
                  "cannot move " + printable(path) + " aside: " + printable(target_.native()) +
                      " is on another file system than " + printable(path_.native()),
                  "restore into a directory below the mount point, or into an empty one");
    }
    throw_system_error("cannot move aside", path, error);
  }
  ++moved_;
}

std::uint64_t Aside::moved() const {
  const std::lock_guard lock(mutex_);
  return moved_;
}

std::string Aside::location() const {
  const std::lock_guard lock(mutex_);
  return moved_ == 0 ? std::string() : path_.native();
}

}  // namespace salvor::stores::disk
