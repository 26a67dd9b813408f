#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <optional>
#include <set>

#include "base/error.h"
#include "stores/disk/aside.h"
#include "stores/disk/beneath.h"
#include "stores/disk/directory_cache.h"
#include "stores/disk/exclude.h"
#include "stores/disk/internal/copy_at.h"
#include "stores/disk/internal/file_writer.h"
#include "stores/disk/internal/not_made.h"
#include "stores/disk/lacking.h"
#include "stores/disk/links.h"
#include "stores/disk/listing.h"
#include "stores/disk/metadata.h"
#include "stores/disk/mounts.h"
#include "stores/disk/status.h"
#include "stores/disk/tree.h"

namespace salvor::stores::disk {
namespace {

constexpr std::string_view kIncompleteText =
    "salvor has not restored this directory completely. When no salvor runs, the restore\n"
    "was interrupted: restore again with --delta, or remove the directory.\n";

mode_t type_of(EntryKind kind) {
  switch (kind) {
    case EntryKind::fifo:
      return S_IFIFO;
    case EntryKind::character_device:
      return S_IFCHR;
    case EntryKind::block_device:
      return S_IFBLK;
    default:
      return 0;
  }
}

[[noreturn]] void throw_impossible(std::string_view path, std::string_view what) {
  throw Error(ErrorCode::corruption, "found " + printable(path) + " " + std::string(what),
              "run salvor verify --data");
}

[[noreturn]] void throw_in_the_way(std::string_view path) {
  throw Error(ErrorCode::conflict, "found something at " + printable(path) + ", expected nothing",
              "make sure that nobody else writes to the target; a target that ignores the case of "
              "names can't hold names that differ in case only");
}

class TreeSink final : public Sink {
 public:
  explicit TreeSink(TreeSinkOptions options)
      : options_(std::move(options)), exclude_(options_.exclude) {}

  void begin() override;
  void make(ByteView key, const Entry& entry) override;
  bool lacks(ByteView key) const override { return not_made_.has_above(path_of_key(key)); }
  std::unique_ptr<FileWriter> create(ByteView key, const Entry& entry) override;
  void complete(ByteView key, const Entry& entry) override;
  void commit() override;
  SinkReport report() const override;

 private:
  /// A directory on the way down to what complete() was called for last. Its own metadata come when
  /// all below it is done.
  struct Pending {
    std::string path;
    Entry entry;
    Listing existing;  // delta: what is in it, to be merged with what comes
    std::size_t at = 0;
  };

  Spot spot_of(std::string path);
  void make_directory(const Spot& spot);
  void make_root();
  void make_special(const Spot& spot, const Entry& entry);
  bool create_special(const Spot& spot, const Entry& entry);
  bool keeps_existing(const Spot& spot, const Entry& entry);
  static std::optional<struct stat> look_at(const Spot& spot) {
    return status_at(spot.parent->get(), spot.name, spot.path);
  }
  void link(const Spot& spot, ByteView key, const Entry& entry);
  void merge_up_to(Pending& pending, std::string_view name);
  bool has_mount(const std::string& path) const;
  bool stays(int parent, const std::string& name, const std::string& path) const;
  void mark_incomplete();
  void sync();
  void push(std::string path, const Entry& entry);
  void close_top();

  const TreeSinkOptions options_;
  const Exclude exclude_;
  Fd root_;
  std::optional<Aside> aside_;
  std::optional<DirectoryCache> directories_;
  Warnings warnings_;
  NotMade not_made_;
  std::vector<Pending> pending_;
  std::set<std::string> mounts_;  // live: other file systems within the target, by their paths
  std::optional<Bytes> last_key_;
  Bytes scratch_;
};

void TreeSink::begin() {
  const std::string name = printable(options_.target.native());
  struct stat status {};
  if (stat(options_.target.c_str(), &status) != 0) {
    if (errno != ENOENT) throw_system_error("cannot open", options_.target.native(), errno);
    make_private_directories(options_.target);
  } else if (!S_ISDIR(status.st_mode)) {
    throw Error(ErrorCode::refused, name + " is not a directory", "restore into another directory");
  }
  root_ = open_file(options_.target, O_RDONLY | O_DIRECTORY);
  Listing existing;
  const int error = existing.read(root_.get(), scratch_);
  if (error != 0) throw_system_error("cannot list", options_.target.native(), error);
  if (existing.size() > 0 && !options_.delta) {
    throw Error(
        ErrorCode::refused,
        "directory " + name + " has " + std::to_string(existing.size()) + " entries, expected none",
        "restore into another directory, or use --delta to change it into what the "
        "snapshot holds");
  }
  const std::filesystem::path target = std::filesystem::canonical(options_.target);
  aside_.emplace(target, options_.is_live, *options_.clock);
  if (options_.is_live) {
    for (const std::filesystem::path& mount : mounts_within(target)) {
      if (mount != target) mounts_.insert(mount.lexically_relative(target).native());
    }
  }
  directories_.emplace(root_.get());
}

/// Durable before anything else is: whoever finds the directory after a loss of power finds it,
/// too.
void TreeSink::mark_incomplete() {
  const Fd fd(openat(root_.get(), kIncompleteMarker,
                     O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  const std::string path = (options_.target / kIncompleteMarker).native();
  if (!fd) throw_system_error("cannot create", path, errno);
  write_all(fd.get(), as_bytes(kIncompleteText), path);
  sync_file(fd.get(), path);
  if (fsync(root_.get()) != 0) throw_system_error("cannot make durable", path, errno);
}

void TreeSink::sync() {
  // One call for all: a sync of each file would make a restore of many small ones wait for the disk
  // once for each. What was moved aside is on the same file system.
  sync_file_system(root_.get(), options_.target.native());
}

Spot TreeSink::spot_of(std::string path) {
  const SplitPath parts = split(path);
  Spot spot{directories_->get(parts.parent), std::string(parts.name), {}};
  spot.path = std::move(path);
  return spot;
}

void TreeSink::make(ByteView key, const Entry& entry) {
  SALVOR_ASSERT(entry.kind != EntryKind::file && entry.kind != EntryKind::hard_link);
  std::string path = checked_path(key);
  if (path.empty()) {
    if (entry.kind != EntryKind::directory) throw_impossible(".", "that is not a directory");
    make_root();
    return;
  }
  if (not_made_.has_above(path)) return;
  const Spot spot = spot_of(std::move(path));
  if (entry.kind == EntryKind::directory) {
    make_directory(spot);
  } else {
    make_special(spot, entry);
  }
}

void TreeSink::make_root() {
  struct stat status {};
  if (fstat(root_.get(), &status) != 0) {
    throw_system_error("cannot read", options_.target.native(), errno);
  }
  // Its real mode comes last; until then we must be able to write into it.
  if ((status.st_mode & 0700U) != 0700U) fchmod(root_.get(), (status.st_mode & 07777U) | 0700U);
  mark_incomplete();
}

void TreeSink::make_directory(const Spot& spot) {
  const int parent = spot.parent->get();
  if (options_.delta) {
    const auto existing = look_at(spot);
    if (existing && S_ISDIR(existing->st_mode)) {
      if ((existing->st_mode & 0700U) == 0700U) return;
      const Fd fd(openat(parent, spot.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
      if (!fd) throw_system_error("cannot open", spot.path, errno);
      chmod(("/proc/self/fd/" + std::to_string(fd.get())).c_str(),
            (existing->st_mode & 07777U) | 0700U);
      return;
    }
    if (existing) aside_->move(parent, spot.name, spot.path);
  }
  if (mkdirat(parent, spot.name.c_str(), 0700) == 0) return;
  if (errno == EEXIST) throw_in_the_way(spot.path);
  if (means_impossible(errno)) {
    not_made_.add(spot.path, EntryKind::directory, errno);
    return;
  }
  throw_system_error("cannot create directory", spot.path, errno);
}

bool TreeSink::keeps_existing(const Spot& spot, const Entry& entry) {
  const auto existing = look_at(spot);
  if (!existing) return false;
  bool same = kind_of(existing->st_mode) == entry.kind;
  if (same && entry.kind == EntryKind::symlink) {
    std::array<std::byte, PATH_MAX> target;
    const ssize_t size = readlinkat(spot.parent->get(), spot.name.c_str(),
                                    reinterpret_cast<char*>(target.data()), target.size());
    same = size >= 0 &&
           std::ranges::equal(ByteView(target).first(static_cast<std::size_t>(size)), entry.target);
  } else if (same && entry.kind != EntryKind::fifo) {
    same = existing->st_rdev == entry.rdev;
  }
  if (!same) aside_->move(spot.parent->get(), spot.name, spot.path);
  return same;
}

bool TreeSink::create_special(const Spot& spot, const Entry& entry) {
  const int parent = spot.parent->get();
  int result = 0;
  if (entry.kind == EntryKind::symlink) {
    const std::string target(as_text(entry.target));
    if (target.empty() || target.size() >= PATH_MAX || target.find('\0') != std::string::npos) {
      throw_impossible(spot.path, "with an impossible symlink target");
    }
    result = symlinkat(target.c_str(), parent, spot.name.c_str());
  } else {
    result = mknodat(parent, spot.name.c_str(), type_of(entry.kind) | 0600U, entry.rdev);
  }
  if (result == 0) return true;
  if (errno == EEXIST) throw_in_the_way(spot.path);
  if (means_impossible(errno)) {
    not_made_.add(spot.path, entry.kind, errno);
    return false;
  }
  throw_system_error("cannot create", spot.path, errno);
}

void TreeSink::make_special(const Spot& spot, const Entry& entry) {
  const bool keeps = options_.delta && keeps_existing(spot, entry);
  if (!keeps && !create_special(spot, entry)) return;
  const Fd fd(openat(spot.parent->get(), spot.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!fd || fstat(fd.get(), &status) != 0) throw_system_error("cannot open", spot.path, errno);
  // Whoever swapped something in meanwhile must not have its owner and mode changed by us.
  if (kind_of(status.st_mode) != entry.kind) throw_in_the_way(spot.path);
  apply_metadata({fd.get(), true}, entry, spot.path, warnings_);
}

std::unique_ptr<FileWriter> TreeSink::create(ByteView key, const Entry& entry) {
  SALVOR_ASSERT(entry.kind == EntryKind::file);
  std::string path = checked_path(key);
  if (path.empty()) throw_impossible(".", "that is not a directory");
  return open_writer({options_.delta, &*aside_, &warnings_, &not_made_}, spot_of(std::move(path)),
                     entry);
}

void TreeSink::complete(ByteView key, const Entry& entry) {
  std::string path = checked_path(key);
  if (last_key_ && std::ranges::lexicographical_compare(*last_key_, key) == false) {
    throw_impossible(path, "out of order");
  }
  last_key_ = to_bytes(key);
  if (path.empty()) {
    push(std::move(path), entry);
    return;
  }
  if (not_made_.has_above(path)) return;
  const SplitPath parts = split(path);
  // Depth first: what is not above this is finished.
  while (!pending_.empty() && pending_.back().path != parts.parent) close_top();
  if (pending_.empty()) throw_impossible(path, "without the directory that holds it");
  merge_up_to(pending_.back(), parts.name);
  if (not_made_.has(path)) return;
  if (entry.kind == EntryKind::directory) {
    push(std::move(path), entry);
  } else if (entry.kind == EntryKind::hard_link) {
    link(spot_of(std::move(path)), key, entry);
  }
}

void TreeSink::push(std::string path, const Entry& entry) {
  Pending pending{std::move(path), entry, {}, 0};
  // Of another file system the store has the directory and nothing else.
  const bool is_foreign = options_.one_file_system && mounts_.contains(pending.path);
  if (options_.delta && !is_foreign) {
    const Fd fd = open_beneath(root_.get(), pending.path, O_RDONLY | O_DIRECTORY);
    if (!fd) throw_system_error("cannot open directory", pending.path, errno);
    const int error = pending.existing.read(fd.get(), scratch_);
    if (error != 0) throw_system_error("cannot list", pending.path, error);
  }
  pending_.push_back(std::move(pending));
}

void TreeSink::merge_up_to(Pending& pending, std::string_view name) {
  // An empty `name` is beyond all others.
  for (; pending.at < pending.existing.size(); ++pending.at) {
    const std::string found(pending.existing[pending.at].view());
    if (found == name) {
      ++pending.at;
      return;
    }
    if (!name.empty() && found > name) return;
    const std::string path = pending.path.empty() ? found : pending.path + '/' + found;
    if (path == kIncompleteMarker) continue;
    const auto parent = directories_->get(pending.path);
    if (!stays(parent->get(), found, path)) aside_->move(parent->get(), found, path);
  }
}

/// Whether another file system is mounted there, or below: it would be moved away with it.
bool TreeSink::has_mount(const std::string& path) const {
  if (mounts_.contains(path)) return true;
  const auto below = mounts_.lower_bound(path + '/');
  return below != mounts_.end() && below->starts_with(path + '/');
}

/// Whether something that the snapshot does not have is none of the store's business.
bool TreeSink::stays(int parent, const std::string& name, const std::string& path) const {
  if (!options_.is_live) return false;
  const auto status = status_at(parent, name, path);
  if (!status) return true;  // gone since it was listed
  // Workplaces, and what was moved aside; but not what a killed restore has left of a file.
  const bool is_directory = S_ISDIR(status->st_mode);
  if (is_directory && (name.starts_with(".salvor-") || has_mount(path))) return true;
  return S_ISSOCK(status->st_mode) || options_.lacking.names(path) ||
         exclude_.covers(path, is_directory);
}

void TreeSink::close_top() {
  Pending pending = std::move(pending_.back());
  pending_.pop_back();
  merge_up_to(pending, {});
  const Fd fd = open_beneath(root_.get(), pending.path, O_RDONLY | O_DIRECTORY);
  if (!fd) throw_system_error("cannot open directory", pending.path, errno);
  apply_metadata({fd.get(), false}, pending.entry, pending.path, warnings_);
}

void TreeSink::link(const Spot& spot, ByteView key, const Entry& entry) {
  if (!std::ranges::lexicographical_compare(entry.target, key)) {
    throw_impossible(spot.path, "as a hard link to what does not come before it");
  }
  std::string first_path = checked_path(entry.target);
  if (first_path.empty()) throw_impossible(spot.path, "as a hard link to the root");
  const Spot first = spot_of(std::move(first_path));
  const auto found = look_at(first);
  if (!found) {
    // Its first name could not be backed up, or restored: that is known, and says more.
    if (not_made_.has(first.path)) {
      not_made_.add(spot.path, EntryKind::hard_link, ENOENT);
    } else {
      warnings_.add("the hard link (its first name is missing)", spot.path, ENOENT);
    }
    return;
  }
  if (S_ISDIR(found->st_mode)) throw_impossible(spot.path, "as a hard link to a directory");
  const auto existing = options_.delta ? look_at(spot) : std::nullopt;
  if (existing && existing->st_dev == found->st_dev && existing->st_ino == found->st_ino) return;
  if (existing) aside_->move(spot.parent->get(), spot.name, spot.path);
  if (linkat(first.parent->get(), first.name.c_str(), spot.parent->get(), spot.name.c_str(), 0) ==
      0) {
    return;
  }
  const int error = errno;
  if (error == EEXIST) throw_in_the_way(spot.path);
  if (!means_no_link(error) && !means_impossible(error)) {
    throw_system_error("cannot make the hard link", spot.path, error);
  }
  if (!copy_at({first.parent->get(), first.name, first.path},
               {spot.parent->get(), spot.name, spot.path}, *found, warnings_)) {
    not_made_.add(spot.path, EntryKind::hard_link, errno);
    return;
  }
  warnings_.add("the hard link (a copy is there instead)", spot.path, error);
}

void TreeSink::commit() {
  // The root comes last: to remove the marker changes its times.
  while (pending_.size() > 1) close_top();
  sync();
  if (unlinkat(root_.get(), kIncompleteMarker, 0) != 0 && errno != ENOENT) {
    throw_system_error("cannot remove", (options_.target / kIncompleteMarker).native(), errno);
  }
  while (!pending_.empty()) close_top();
  sync();
}

SinkReport TreeSink::report() const {
  SinkReport report;
  report.warnings = warnings_.lines();
  report.not_made = not_made_.lines();
  if (aside_) {
    report.moved_aside = aside_->moved();
    report.moved_aside_to = aside_->location();
  }
  return report;
}

}  // namespace

std::unique_ptr<Sink> make_tree_sink(TreeSinkOptions options) {
  return std::make_unique<TreeSink>(std::move(options));
}

}  // namespace salvor::stores::disk
