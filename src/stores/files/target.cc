#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <set>
#include <utility>

#include "base/error.h"
#include "codec/hash.h"
#include "stores/disk/beneath.h"
#include "stores/disk/exchange.h"
#include "stores/disk/holders.h"
#include "stores/disk/mounts.h"
#include "stores/disk/tree.h"
#include "stores/disk/walker.h"
#include "stores/files/files.h"
#include "stores/files/internal/replacement.h"

namespace salvor::stores {
namespace {

/// As people ask for it: symlinks within the store are followed, none leads out of it.
Fd open_within(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<__u64>(static_cast<unsigned>(flags | O_CLOEXEC));
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const long fd = syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
  const bool is_missing = fd < 0 && (errno == ENOSYS || errno == EPERM || errno == ENAMETOOLONG);
  if (!is_missing) return Fd(static_cast<int>(fd));
  // An old kernel, or a path longer than it takes at once: then no symlink at all is followed.
  return disk::open_beneath(root, path, flags);
}

bool is_absent(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EXDEV;
}

class FilesTarget final : public Target, public OverWriting, public PathAccess {
 public:
  explicit FilesTarget(FilesTargetOptions options)
      : options_(std::move(options)),
        exclude_(options_.exclude),
        location_(location_of(options_.root)) {}

  const Location& location() const override { return location_; }
  OverWriting* over() override { return this; }
  PathAccess* paths() override { return this; }

  TargetIdentity identify(std::int64_t count_ms_max) const override;
  std::vector<SelfCheck> check(std::stop_token, const Facts&) override { return {}; }

  void try_write_over() override;

  std::unique_ptr<Sink> sink_over() override {
    disk::TreeSinkOptions options;
    options.target = options_.root;
    options.delta = true;
    options.is_live = true;
    options.exclude = options_.exclude;
    options.one_file_system = options_.one_file_system;
    options.lacking = options_.lacking;
    return disk::make_tree_sink(std::move(options));
  }

  std::optional<PathFacts> look_at(const std::string& path) override;
  std::string sha256(const std::string& path) override;
  void list(const std::function<void(const std::string& path)>& visit) override;

  std::optional<Marker> marker(std::stop_token) override {
    return read_files_marker(options_.root);
  }

  std::unique_ptr<Replacement> replacement(const std::string& run,
                                           const std::string& tag) override {
    return files::make_replacement(options_, run, tag);
  }

 private:
  Fd open_root() const { return open_file(options_.root, O_RDONLY | O_DIRECTORY); }
  void count(TargetIdentity& identity, std::int64_t count_ms_max) const;

  const FilesTargetOptions options_;
  const disk::Exclude exclude_;
  const Location location_;
};

void FilesTarget::try_write_over() {
  if (options_.one_file_system) return;
  const std::filesystem::path root = disk::real_place(options_.root);
  for (const std::filesystem::path& mount : disk::mounts_within(root)) {
    if (mount == root || exclude_.covers(mount.lexically_relative(root).native(), true)) continue;
    throw Error(ErrorCode::refused,
                "another file system is mounted at " + printable(mount.native()) +
                    ", out of which nothing can be moved aside",
                "make it a store of its own, and set one_file_system in this one; or unmount it");
  }
}

TargetIdentity FilesTarget::identify(std::int64_t count_ms_max) const {
  TargetIdentity identity;
  identity.path = options_.root.native();
  struct stat status {};
  if (stat(options_.root.c_str(), &status) != 0) {
    // What can't be looked at may exist.
    identity.exists = !is_absent(errno);
    identity.counted = !identity.exists;
    return identity;
  }
  identity.exists = true;
  identity.identity =
      "device " + std::to_string(status.st_dev) + ", inode " + std::to_string(status.st_ino);
  identity.holders = disk::holders_beneath(disk::real_place(options_.root).native(), {});
  try {
    count(identity, count_ms_max);
  } catch (const Error&) {
    identity.counted = false;
  }
  return identity;
}

void FilesTarget::count(TargetIdentity& identity, std::int64_t count_ms_max) const {
  Clock& clock = Clock::system();
  const Time limit{clock.monotonic().ns + count_ms_max * 1'000'000};
  const Fd root = open_root();
  disk::Problems problems;
  disk::WalkOptions walk;
  walk.exclude = exclude_;
  disk::Walker walker(root.get(), std::move(walk), problems);
  std::set<std::pair<std::uint64_t, std::uint64_t>> linked;
  while (const auto visit = walker.next()) {
    ++identity.entries;
    const bool is_seen =
        visit->links > 1 && !linked.insert({visit->entry.device, visit->entry.inode}).second;
    if (!is_seen) identity.bytes += visit->entry.size;
    if (clock.monotonic() < limit) continue;
    identity.counted = false;
    return;
  }
  identity.counted = problems.list().empty();
}

std::optional<PathFacts> FilesTarget::look_at(const std::string& path) {
  const Fd root = open_root();
  const Fd fd = open_within(root.get(), path, O_PATH);
  struct stat status {};
  if (!fd && is_absent(errno)) return std::nullopt;
  if (!fd || fstat(fd.get(), &status) != 0) throw_system_error("cannot look at", path, errno);
  PathFacts facts;
  facts.is_file = S_ISREG(status.st_mode);
  if (facts.is_file) facts.bytes = static_cast<std::uint64_t>(status.st_size);
  return facts;
}

std::string FilesTarget::sha256(const std::string& path) {
  const Fd root = open_root();
  const Fd fd = open_within(root.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat status {};
  if (!fd && !is_absent(errno)) throw_system_error("cannot open", path, errno);
  if (!fd || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::not_found,
                "found no file " + printable(path) + " in " + printable(options_.root.native()));
  }
  constexpr std::size_t kReadBytes = 1U << 20U;
  codec::Sha256Stream stream;
  Bytes buffer(kReadBytes);
  while (const std::size_t size = read_some(fd.get(), buffer, path)) {
    stream.add(ByteView(buffer).first(size));
  }
  return to_hex(stream.finish());
}

void FilesTarget::list(const std::function<void(const std::string& path)>& visit) {
  const Fd root = open_root();
  disk::Problems problems;
  disk::WalkOptions walk;
  walk.exclude = exclude_;
  disk::Walker walker(root.get(), std::move(walk), problems);
  while (const auto found = walker.next()) {
    if (found->entry.kind != EntryKind::file) continue;
    const std::string path = path_of_key(found->key);
    if (path != kFilesMarker) visit(path);
  }
  const std::vector<Problem> unreadable = problems.list();
  if (unreadable.empty()) return;
  throw Error(ErrorCode::failed,
              printable(path_of_key(unreadable.front().key)) + ": " + unreadable.front().reason);
}

}  // namespace

std::unique_ptr<Target> make_files_target(FilesTargetOptions options) {
  return std::make_unique<FilesTarget>(std::move(options));
}

}  // namespace salvor::stores
