#include "stores/files/internal/carry.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "codec/wire.h"
#include "stores/disk/aside.h"
#include "stores/disk/beneath.h"
#include "stores/disk/list_file.h"
#include "stores/disk/listing.h"
#include "stores/disk/status.h"

namespace salvor::stores::files {
namespace {

namespace fs = std::filesystem;

enum class Kind : std::uint8_t { tree = 1, parent = 2, item = 3 };

struct Record {
  Kind kind = Kind::item;
  std::string path;
  std::uint64_t inode = 0;                     // tree: of the tree that becomes live
  bool is_taken = false;                       // item: the tree that becomes live has the name, too
  bool replaces = false;                       // item: an empty directory of the name gives way
  std::optional<timespec> from_time, to_time;  // parent: empty where there is no such directory
};

Bytes encode(const Record& record) {
  codec::WireWriter out;
  out.u8(static_cast<std::uint8_t>(record.kind));
  out.text(record.path);
  out.u64(record.inode);
  out.u8(record.replaces ? 2 : record.is_taken ? 1 : 0);
  for (const auto& time : {record.from_time, record.to_time}) {
    out.u8(time ? 1 : 0);
    out.zigzag(time ? time->tv_sec : 0);
    out.zigzag(time ? time->tv_nsec : 0);
  }
  return out.take();
}

Record decode(ByteView bytes) {
  codec::WireReader in(bytes, "the list of what stays with the live path");
  Record record;
  record.kind = static_cast<Kind>(in.u8());
  record.path = in.text();
  record.inode = in.u64();
  const std::uint8_t how = in.u8();
  record.is_taken = how == 1;
  record.replaces = how == 2;
  for (auto* time : {&record.from_time, &record.to_time}) {
    const bool has = in.u8() != 0;
    const timespec value{in.zigzag(), in.zigzag()};
    if (has) *time = value;
  }
  return record;
}

/// Whether there is something of that name, or something that keeps a thing of that name out.
bool has_name(int root, const std::string& path) {
  const disk::SplitPath parts = disk::split(path);
  const Fd parent = disk::find_beneath(root, parts.parent, O_PATH | O_DIRECTORY);
  if (!parent) return errno != ENOENT;
  return disk::status_at(parent.get(), std::string(parts.name), path).has_value();
}

std::optional<timespec> time_of_directory(int root, const std::string& path) {
  const Fd fd = disk::open_beneath(root, path, O_PATH | O_DIRECTORY);
  struct stat status {};
  if (!fd || fstat(fd.get(), &status) != 0) return std::nullopt;
  return status.st_mtim;
}

/// Walks names only: no file is looked at, so that ten million of them take seconds.
class Lister {
 public:
  Lister(const CarryOptions& options, const fs::path& from, const fs::path& to)
      : options_(options),
        from_(open_file(from, O_RDONLY | O_DIRECTORY)),
        to_(open_file(to, O_RDONLY | O_DIRECTORY)),
        out_(options.list) {}

  void run() {
    Record tree;
    tree.kind = Kind::tree;
    struct stat status {};
    if (fstat(to_.get(), &status) != 0) throw_system_error("cannot look at", "the tree", errno);
    tree.inode = status.st_ino;
    out_.add(encode(tree));
    std::vector<Level> levels;
    levels.push_back(open_level({}));
    while (!levels.empty()) {
      Level& level = levels.back();
      if (level.at == level.listing.size()) {
        levels.pop_back();
        continue;
      }
      const disk::Listing::Name name = level.listing[level.at++];
      std::string path = level.path.empty() ? std::string(name.view())
                                            : level.path + '/' + std::string(name.view());
      const unsigned type = type_of(level, name);
      if (is_unprotected(path, name.view(), type)) {
        add(level, std::move(path), type);
      } else if (options_.lacking->covers(path) && !has_name(to_.get(), path)) {
        require_movable(level, name, type);
        add(level, std::move(path), type);
      } else if (type == DT_DIR && is_closed(path)) {
        require_movable(level, name, type);
        add(level, std::move(path), type, true);
      } else if (type == DT_DIR) {
        levels.push_back(open_level(std::move(path)));
      }
    }
    out_.commit();
  }

 private:
  struct Level {
    std::string path;
    disk::Listing listing;
    std::size_t at = 0;
    bool is_listed = false;  // as a parent
  };

  Level open_level(std::string path) {
    Level level;
    level.path = std::move(path);
    const Fd fd = disk::open_beneath(from_.get(), level.path, O_RDONLY | O_DIRECTORY);
    if (!fd && errno == ENOENT) return level;
    const int error = fd ? level.listing.read(fd.get(), scratch_) : errno;
    if (error != 0) throw_system_error("cannot list", level.path, error);
    return level;
  }

  unsigned type_of(const Level& level, const disk::Listing::Name& name) const {
    if (name.type != DT_UNKNOWN) return name.type;
    const Fd parent = disk::find_beneath(from_.get(), level.path, O_PATH | O_DIRECTORY);
    const auto found = parent ? disk::status_at(parent.get(), name.text, level.path) : std::nullopt;
    return found ? IFTODT(found->st_mode) : unsigned{DT_UNKNOWN};
  }

  bool is_unprotected(const std::string& path, std::string_view name, unsigned type) const {
    if (type == DT_DIR && path == name && name.starts_with(disk::kAsideWithin)) return true;
    if (type == DT_SOCK || options_.exclude->matches(path, type == DT_DIR)) return true;
    return type == DT_DIR && name.starts_with(options_.workplaces);
  }

  /// Whether it is a directory that can't be listed, and that the snapshot has without its content.
  bool is_closed(const std::string& path) const {
    if (!options_.lacking->names(path)) return false;
    const Fd fd = disk::open_beneath(from_.get(), path, O_RDONLY | O_DIRECTORY);
    return !fd && errno == EACCES;
  }

  /// A directory is moved by its owner and by root only: ".." in it changes.
  void require_movable(const Level& level, const disk::Listing::Name& name, unsigned type) const {
    if (type != DT_DIR || geteuid() == 0) return;
    const Fd parent = disk::open_beneath(from_.get(), level.path, O_PATH | O_DIRECTORY);
    struct stat status {};
    if (!parent || fstatat(parent.get(), name.text, &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (status.st_uid == geteuid() || faccessat(parent.get(), name.text, W_OK, AT_EACCESS) == 0) {
      return;
    }
    throw Error(
        ErrorCode::refused,
        printable(level.path + '/' + std::string(name.view())) +
            " is not in the recovery point, and this user may not move it to where it stays",
        "restore as root");
  }

  void add(Level& level, std::string path, unsigned type, bool replaces = false) {
    if (!level.is_listed) {
      Record parent;
      parent.kind = Kind::parent;
      parent.path = level.path;
      parent.from_time = time_of_directory(from_.get(), level.path);
      parent.to_time = time_of_directory(to_.get(), level.path);
      out_.add(encode(parent));
      level.is_listed = true;
    }
    Record item;
    // A socket is made anew by who listens to it, and an old one is of no use to anybody.
    item.is_taken = !replaces && (type == DT_SOCK || has_name(to_.get(), path));
    item.replaces = replaces;
    item.path = std::move(path);
    out_.add(encode(item));
  }

  const CarryOptions& options_;
  const Fd from_;
  const Fd to_;
  disk::ListFileWriter out_;
  Bytes scratch_;
};

class Carrier {
 public:
  Carrier(const CarryOptions& options, const fs::path& from, const fs::path& to)
      : options_(options),
        from_(open_file(from, O_RDONLY | O_DIRECTORY)),
        to_(open_file(to, O_RDONLY | O_DIRECTORY)) {}

  bool is_meant() const {
    const std::optional<Bytes> first = disk::ListFileReader(options_.list).next();
    struct stat status {};
    if (fstat(to_.get(), &status) != 0) throw_system_error("cannot look at", "the tree", errno);
    return first && decode(*first).inode == status.st_ino;
  }

  void run() {
    for_each(Kind::item, [&](const Record& record) {
      if (!move(record) && !record.is_taken && taken_.empty()) taken_ = record.path;
    });
    for_each(Kind::parent, [&](const Record& record) {
      set_time(from_.get(), record.path, record.from_time);
      // Where there was no such directory, one was made for what it holds.
      set_time(to_.get(), record.path, record.to_time ? record.to_time : record.from_time);
    });
    sync_file_system(to_.get(), "the tree");
  }

  /// A name that was taken since the list was made; empty when there is none.
  const std::string& taken() const { return taken_; }

 private:
  void for_each(Kind kind, const std::function<void(const Record&)>& visit) const {
    disk::ListFileReader in(options_.list);
    while (const std::optional<Bytes> bytes = in.next()) {
      const Record record = decode(*bytes);
      if (record.kind == kind) visit(record);
    }
  }

  /// False when there is something in its way.
  bool move(const Record& record) {
    const std::string& path = record.path;
    const disk::SplitPath parts = disk::split(path);
    const Fd from = disk::find_beneath(from_.get(), parts.parent, O_PATH | O_DIRECTORY);
    const std::string name(parts.name);
    // Moved already, or removed by somebody: nothing is left to be moved.
    if (!from) return true;
    const auto status = disk::status_at(from.get(), name, path);
    if (!status) return true;
    const Fd to = make_directory(std::string(parts.parent));
    if (!to) return false;
    options_.step("move what is not protected");
    // rename() replaces a directory that is empty, and nothing else of what may be there.
    if (record.replaces) return replace(from.get(), to.get(), name, path);
    if (renameat2(from.get(), name.c_str(), to.get(), name.c_str(), RENAME_NOREPLACE) == 0) {
      return true;
    }
    int error = errno;
    if (error == EACCES && S_ISDIR(status->st_mode)) {
      return replace(from.get(), to.get(), name, path);
    }
    if (error == EINVAL || error == ENOSYS) {
      error = EEXIST;
      if (!disk::status_at(to.get(), name, path)) {
        error = renameat(from.get(), name.c_str(), to.get(), name.c_str()) == 0 ? 0 : errno;
      }
    }
    if (error == EEXIST || error == ENOTEMPTY) return false;
    if (error != 0) throw_system_error("cannot carry over", path, error);
    return true;
  }

  /// Moves a directory that its owner has closed: its mode is opened for that.
  static bool replace(int from, int to, const std::string& name, const std::string& path) {
    struct stat status {};
    if (fstatat(from, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return true;
    const mode_t mode = status.st_mode & 07777U;
    if ((mode & S_IRWXU) != S_IRWXU) fchmodat(from, name.c_str(), mode | S_IRWXU, 0);
    const int error = renameat(from, name.c_str(), to, name.c_str()) == 0 ? 0 : errno;
    if ((mode & S_IRWXU) != S_IRWXU) fchmodat(error == 0 ? to : from, name.c_str(), mode, 0);
    if (error == 0) return true;
    if (error == EEXIST || error == ENOTEMPTY || error == ENOTDIR) return false;
    throw_system_error("cannot carry over", path, error);
  }

  /// Invalid when something else than a directory is in the way.
  Fd make_directory(const std::string& path) {
    Fd fd = disk::find_beneath(to_.get(), path, O_PATH | O_DIRECTORY);
    if (fd || errno != ENOENT) return fd;
    const disk::SplitPath parts = disk::split(path);
    const Fd parent = make_directory(std::string(parts.parent));
    const Fd model = disk::find_beneath(from_.get(), path, O_PATH | O_DIRECTORY);
    struct stat status {};
    if (!parent || !model) return {};
    if (fstat(model.get(), &status) != 0) throw_system_error("cannot look at", path, errno);
    const std::string name(parts.name);
    if (mkdirat(parent.get(), name.c_str(), 0700) != 0 && errno != EEXIST) {
      throw_system_error("cannot create directory", path, errno);
    }
    fchownat(parent.get(), name.c_str(), status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW);
    fchmodat(parent.get(), name.c_str(), status.st_mode & 07777U, 0);
    return disk::find_beneath(to_.get(), path, O_PATH | O_DIRECTORY);
  }

  static void set_time(int root, const std::string& path, const std::optional<timespec>& time) {
    const Fd fd = time ? disk::open_beneath(root, path, O_RDONLY | O_DIRECTORY) : Fd();
    if (!fd) return;
    const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, *time};
    if (futimens(fd.get(), times.data()) != 0) {
      throw_system_error("cannot set the times of", path, errno);
    }
  }

  const CarryOptions& options_;
  const Fd from_;
  const Fd to_;
  std::string taken_;
};

}  // namespace

void list_unprotected(const CarryOptions& options, const fs::path& from, const fs::path& to) {
  options.step("list what is not protected");
  Lister(options, from, to).run();
}

void carry_unprotected(const CarryOptions& options, const fs::path& from, const fs::path& to,
                       Taken taken) {
  if (disk::inode_at(options.list) == 0 || disk::inode_at(to) == 0) return;
  Carrier carrier(options, from, to);
  if (!carrier.is_meant()) return;
  carrier.run();
  if (taken == Taken::conflicts && !carrier.taken().empty()) {
    const std::string name = printable((to / carrier.taken()).native());
    throw Error(ErrorCode::conflict,
                "somebody made " + name +
                    " while salvor moved the one that was there before, which is now " +
                    printable((from / carrier.taken()).native()),
                "find out who made it, move it aside, and resume or undo the restore");
  }
  options.step("forget the list of what is not protected");
  if (unlink(options.list.c_str()) != 0) {
    throw_system_error("cannot remove", options.list.native(), errno);
  }
  sync_directory(options.list.parent_path());
}

}  // namespace salvor::stores::files
