#include "base/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/random.h"

namespace salvor {
namespace {

constexpr std::size_t kScratchBytes = 64 << 10U;

/// Moves a directory within a directory up to the root first. So no tree is too deep, and two open
/// directories are enough.
class Remover {
 public:
  Remover(const std::filesystem::path& root, std::string_view kept)
      : root_path_(root.native()),
        kept_(kept),
        root_(open_file(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)),
        prefix_(".removed-" + std::to_string(Rng::system().next_u64()) + "-") {
    struct stat status {};
    if (fstat(root_.get(), &status) != 0) fail("cannot look at", errno);
    device_ = status.st_dev;
  }

  void run() {
    make_writable(root_.get());
    while (pass(root_.get(), [&](const std::string& name) { remove_from_root(name); })) {
    }
  }

 private:
  using Remove = std::function<void(const std::string& name)>;

  /// Calls `remove` for every name. Returns whether there was one.
  bool pass(int directory, const Remove& remove) const {
    alignas(dirent64) std::array<char, kScratchBytes> scratch;
    if (lseek(directory, 0, SEEK_SET) != 0) fail("cannot list", errno);
    bool found = false;
    while (true) {
      const ssize_t size =
          retried([&] { return getdents64(directory, scratch.data(), scratch.size()); });
      if (size < 0) fail("cannot list", errno);
      if (size == 0) return found;
      for (ssize_t at = 0; at < size;) {
        const auto* entry = reinterpret_cast<const dirent64*>(scratch.data() + at);
        at += entry->d_reclen;
        const std::string name = entry->d_name;
        if (name == "." || name == "..") continue;
        if (directory == root_.get() && name == kept_) continue;
        found = true;
        remove(name);
      }
    }
  }

  void remove_from_root(const std::string& name) {
    if (unlinks(root_.get(), name)) return;
    const Fd directory = enter(root_.get(), name);
    while (pass(directory.get(), [&](const std::string& inner) {
      if (unlinks(directory.get(), inner) || removes_empty(directory.get(), inner)) return;
      // To be moved to another parent, a directory itself must be writable: its ".." changes.
      enter(directory.get(), inner);
      const std::string moved = prefix_ + std::to_string(moved_++);
      if (renameat(directory.get(), inner.c_str(), root_.get(), moved.c_str()) != 0) {
        fail("cannot move up " + printable(inner) + " in", errno);
      }
    })) {
    }
    if (!removes_empty(root_.get(), name))
      fail("cannot remove " + printable(name) + " from", errno);
  }

  /// False for directories.
  bool unlinks(int parent, const std::string& name) const {
    if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return true;
    const int error = errno;
    struct stat status {};
    if (fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(status.st_mode)) {
      return false;
    }
    require_mutable(parent, name, error);
    fail("cannot remove " + printable(name) + " from", error);
  }

  void require_mutable(int parent, const std::string& name, int error) const {
    struct statx status {};
    if (error != EPERM ||
        statx(parent, name.c_str(), AT_SYMLINK_NOFOLLOW, STATX_TYPE, &status) != 0)
      return;
    const bool fixed = (status.stx_attributes & STATX_ATTR_IMMUTABLE) != 0;
    if (!fixed && (status.stx_attributes & STATX_ATTR_APPEND) == 0) return;
    throw Error(ErrorCode::failed,
                "cannot remove " + printable(name) + " from " + printable(root_path_) + ": it is " +
                    (fixed ? "immutable" : "append-only"),
                "find " + printable(root_path_) + " -name " + printable(name) +
                    " -exec chattr -i -a {} +, and run the command again");
  }

  static bool removes_empty(int parent, const std::string& name) {
    return unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
  }

  Fd enter(int parent, const std::string& name) const {
    const Fd place(openat(parent, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!place || fstat(place.get(), &status) != 0) {
      fail("cannot open " + printable(name) + " in", errno);
    }
    if (status.st_dev != device_) {
      throw Error(ErrorCode::refused,
                  printable(name) + " in " + printable(root_path_) +
                      " is on another file system than the rest",
                  "unmount it, or remove the subvolume, and run the command again");
    }
    make_writable(place.get());
    Fd directory(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) fail("cannot open " + printable(name) + " in", errno);
    return directory;
  }

  static void make_writable(int directory) {
    struct stat status {};
    if (fstat(directory, &status) != 0 || (status.st_mode & 0700U) == 0700U) return;
    chmod(("/proc/self/fd/" + std::to_string(directory)).c_str(), 0700);
  }

  [[noreturn]] void fail(const std::string& action, int error) const {
    throw_system_error(action, root_path_, error);
  }

  const std::string root_path_;
  const std::string_view kept_;
  const Fd root_;
  const std::string prefix_;
  dev_t device_ = 0;
  std::uint64_t moved_ = 0;
};

}  // namespace

void remove_tree_but(const std::filesystem::path& root, std::string_view kept) {
  Remover(root, kept).run();
}

void remove_tree(const std::filesystem::path& root) {
  struct stat status {};
  if (lstat(root.c_str(), &status) != 0 && errno == ENOENT) return;
  remove_tree_but(root, {});
  if (rmdir(root.c_str()) != 0) throw_system_error("cannot remove", root.native(), errno);
}

}  // namespace salvor
