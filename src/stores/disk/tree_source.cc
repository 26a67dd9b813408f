#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <map>

#include "base/error.h"
#include "stores/disk/internal/reader.h"
#include "stores/disk/mounts.h"
#include "stores/disk/tree.h"
#include "stores/disk/walker.h"

namespace salvor::stores::disk {
namespace {

Fd open_root(const std::filesystem::path& root) {
  const int fd = ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) return Fd(fd);
  const int error = errno;
  const std::string name = printable(root.native());
  if (error == ENOENT) {
    throw Error(ErrorCode::not_found, "directory " + name + " does not exist",
                "correct the store's path, or mount what belongs there");
  }
  if (error == ENOTDIR) {
    throw Error(ErrorCode::configuration, name + " is not a directory",
                "give the directory that holds it, and exclude what else is there");
  }
  throw_system_error("cannot open", root.native(), error);
}

/// Gives names their first name: the key of the first name of each inode that has several. An inode
/// is forgotten when all its names were seen, and when it looks like another file's.
class HardLinks {
 public:
  /// The key of the inode's first name; empty when this is it.
  Bytes first_name_of(const Walker::Visit& visit) {
    if (visit.links < 2 || visit.entry.kind == EntryKind::directory) return {};
    const auto inode = std::make_pair(visit.entry.device, visit.entry.inode);
    const Entry& entry = visit.entry;
    const Names names{visit.key, visit.links - 1, entry.size, entry.mtime};
    const auto [at, is_new] = names_.try_emplace(inode, names);
    if (is_new) return {};
    if (at->second.size != entry.size || at->second.mtime != entry.mtime) {
      // Another file, which has been given the inode of one that was removed meanwhile; or the
      // same, written meanwhile, which is then two.
      at->second = names;
      return {};
    }
    Bytes first = at->second.first;
    if (--at->second.left == 0) names_.erase(at);
    return first;
  }

 private:
  struct Names {
    Bytes first;
    std::uint64_t left = 0;
    std::uint64_t size = 0;
    Time mtime;
  };
  std::map<std::pair<std::uint64_t, std::uint64_t>, Names> names_;
};

class TreeSource final : public Source {
 public:
  explicit TreeSource(TreeSourceOptions options)
      : options_(std::move(options)),
        root_(open_root(options_.root)),
        context_{root_.get(), options_.clock, &problems_},
        walker_(root_.get(), walk_options(), problems_) {}

  SourceCapabilities capabilities() const override { return {{}, true}; }

  // A directory tree has no moment: each file is read as it is when its turn comes.
  void mark() override {}
  void examine(const std::stop_token&) override {}

  std::optional<Item> next() override {
    std::optional<Walker::Visit> visit = walker_.next();
    if (!visit) return std::nullopt;
    const bool is_marker = !options_.marker.empty() && as_text(visit->key) == options_.marker;
    if (is_marker) marker_bytes_ = visit->entry.size;
    Bytes first = hard_links_.first_name_of(*visit);
    if (!first.empty()) {
      visit->entry.kind = EntryKind::hard_link;
      visit->entry.size = 0;
      visit->entry.rdev = 0;
      visit->entry.target = std::move(first);
    }
    return Item{std::move(visit->key), std::move(visit->entry)};
  }

  std::unique_ptr<ContentReader> open(const Item& item) override {
    return open_reader(context_, item);
  }

  bool unchanged(const Entry& then, const Entry& now) const override;

  SourceReport report() const override {
    SourceReport report;
    report.unreadable = problems_.list();
    report.sockets_skipped = walker_.sockets_skipped();
    report.facts["path"] = printable(std::filesystem::absolute(options_.root).native());
    // By which the next backup sees that what is mounted now is not.
    std::error_code error;
    const std::filesystem::path root = std::filesystem::canonical(options_.root, error);
    const std::filesystem::path mount = error ? root : mount_of(root);
    if (!mount.empty()) report.facts["mount"] = printable(mount.native());
    // What a backup has planted is no content of the application's.
    if (marker_bytes_) report.facts["marker_bytes"] = std::to_string(*marker_bytes_);
    return report;
  }

 private:
  WalkOptions walk_options() const {
    WalkOptions walk{
        Exclude(options_.exclude), {}, options_.reading_threads, options_.one_file_system};
    for (const std::filesystem::path& path : options_.forbidden) {
      struct stat status {};
      if (stat(path.c_str(), &status) == 0) walk.forbidden.insert({status.st_dev, status.st_ino});
    }
    struct stat root {};
    if (fstat(root_.get(), &root) == 0 && walk.forbidden.contains({root.st_dev, root.st_ino})) {
      throw Error(ErrorCode::configuration,
                  printable(options_.root.native()) +
                      " is the repository, or salvor's own state, and can't be a store",
                  "correct the store's path");
    }
    return walk;
  }

  const TreeSourceOptions options_;
  const Fd root_;
  Problems problems_;
  const ReaderContext context_;
  HardLinks hard_links_;
  std::optional<std::uint64_t> marker_bytes_;
  Walker walker_;  // last: its threads end before what they use does
};

bool TreeSource::unchanged(const Entry& then, const Entry& now) const {
  // ctime is the kernel's own: nobody can set it back, and it moves with every change of content,
  // metadata and attributes. The device is left out: its number follows from the order of mounting
  // (LVM, NFS, btrfs, overlay), and a reboot would have everything read again.
  return !then.racy && !then.unstable && then.kind == now.kind && then.mode == now.mode &&
         then.uid == now.uid && then.gid == now.gid && then.size == now.size &&
         then.mtime == now.mtime && then.ctime == now.ctime && then.inode == now.inode &&
         then.rdev == now.rdev && then.target == now.target;
}

}  // namespace

std::unique_ptr<Source> make_tree_source(TreeSourceOptions options) {
  return std::make_unique<TreeSource>(std::move(options));
}

}  // namespace salvor::stores::disk
