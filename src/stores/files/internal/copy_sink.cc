#include "stores/files/internal/copy_sink.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>

#include "base/error.h"
#include "base/io.h"
#include "base/random.h"
#include "stores/disk/beneath.h"
#include "stores/disk/compare_writer.h"
#include "stores/disk/directory_cache.h"
#include "stores/disk/exchange.h"
#include "stores/disk/links.h"
#include "stores/disk/status.h"
#include "stores/disk/tree.h"
#include "stores/files/internal/shared.h"

namespace salvor::stores::files {
namespace {

namespace fs = std::filesystem;

constexpr int kReadFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
constexpr std::uint64_t kBootIdBytesMax = 4096;

/// The rule of Source::unchanged(), asked of a live file.
bool is_unchanged(const struct stat& live, const Entry& entry) {
  if (entry.racy || entry.unstable || !S_ISREG(live.st_mode)) return false;
  const Entry now = disk::entry_of(live, EntryKind::file);
  return now.mode == entry.mode && now.uid == entry.uid && now.gid == entry.gid &&
         now.size == entry.size && now.mtime == entry.mtime && now.ctime == entry.ctime &&
         now.inode == entry.inode;
}

/// Of this boot; empty where there is no /proc to say it.
std::string boot_id() {
  Bytes text(kBootIdBytesMax);
  const Fd fd(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  const ssize_t size = fd ? read_whole(fd.get(), text) : -1;
  return std::string(as_text(text).substr(0, static_cast<std::size_t>(std::max<ssize_t>(size, 0))));
}

class CopySink;

/// A file that may turn out to be the live one.
class CopyWriter final : public disk::CompareWriter {
 public:
  CopyWriter(CopySink& sink, Fd live, std::string file_path, ByteView key, const Entry& wanted,
             disk::Warnings& warnings)
      : disk::CompareWriter(std::move(live), std::move(file_path), wanted, warnings),
        sink_(sink),
        key_(to_bytes(key)) {}

 private:
  Fd make() override;
  bool take_reference(const struct stat& status) override;
  void publish() override {}

  CopySink& sink_;
  const Bytes key_;
};

class CopySink final : public Sink {
 public:
  explicit CopySink(CopySinkOptions options)
      : options_(std::move(options)), shared_(options_.workplace) {
    disk::TreeSinkOptions inner;
    inner.target = options_.copy;
    inner.delta = true;
    inner.clock = options_.clock;
    inner_ = disk::make_tree_sink(std::move(inner));
  }

  void begin() override;
  void make(ByteView key, const Entry& entry) override { inner_->make(key, entry); }
  bool lacks(ByteView key) const override { return inner_->lacks(key); }
  bool reuse(ByteView key, const Entry& entry) override;
  std::unique_ptr<FileWriter> create(ByteView key, const Entry& entry) override;
  void complete(ByteView key, const Entry& entry) override;
  void commit() override;
  SinkReport report() const override;

  // For CopyWriter.
  Fd make_file(const std::string& path) const;
  bool share(int live, const struct stat& status, const std::string& path, ByteView key,
             const Entry& entry);

 private:
  bool keeps_earlier(const std::string& path, ByteView key, const Entry& entry,
                     const struct stat& found);
  bool take_live(const std::string& path, ByteView key, const Entry& entry);
  bool clone(int live, const std::string& path, const Entry& entry);
  void separate(const std::string& path);
  std::shared_ptr<const Fd> parent_of(const std::string& path) const {
    return directories_->get(disk::split(path).parent);
  }
  void remove(const std::string& path) const;

  const CopySinkOptions options_;
  std::unique_ptr<Sink> inner_;
  SharedList shared_;
  Fd copy_;
  Fd live_;  // invalid when nothing is live
  mutable std::optional<disk::DirectoryCache> directories_;
  bool has_earlier_ = false;  // an earlier sink has left something
  bool same_boot_ = true;     // and the machine has run since
  std::atomic<bool> may_clone_{true};
  std::atomic<std::uint64_t> reused_{0};
  disk::Warnings warnings_;
};

Fd CopyWriter::make() {
  return sink_.make_file(path());
}

bool CopyWriter::take_reference(const struct stat& status) {
  return sink_.share(reference(), status, path(), key_, entry());
}

void CopySink::begin() {
  const fs::path note = options_.workplace / "copy-boot";
  has_earlier_ = disk::inode_at(options_.copy) != 0;
  if (!has_earlier_) {
    write_file_atomically(note, as_bytes(boot_id()));
  } else {
    // The note stays that of the boot when the oldest part of the copy was made.
    const std::string now = boot_id();
    same_boot_ = !now.empty() && disk::inode_at(note) != 0 &&
                 as_text(read_file(note, kBootIdBytesMax)) == now;
  }
  inner_->begin();
  copy_ = open_file(options_.copy, O_RDONLY | O_DIRECTORY);
  directories_.emplace(copy_.get());
  if (disk::inode_at(options_.live) != 0) live_ = open_file(options_.live, O_RDONLY | O_DIRECTORY);
}

Fd CopySink::make_file(const std::string& path) const {
  const std::string name(disk::split(path).name);
  const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  Fd fd(openat(parent_of(path)->get(), name.c_str(), flags, 0600));
  if (!fd) throw_system_error("cannot create", path, errno);
  return fd;
}

void CopySink::remove(const std::string& path) const {
  const std::string name(disk::split(path).name);
  if (unlinkat(parent_of(path)->get(), name.c_str(), 0) != 0 && errno != ENOENT) {
    throw_system_error("cannot remove", path, errno);
  }
}

/// False where blocks can't be shared.
bool CopySink::clone(int live, const std::string& path, const Entry& entry) {
  if (!may_clone_) return false;
  const Fd made = make_file(path);
  if (retried([&] { return ioctl(made.get(), FICLONE, live); }) == 0) {
    disk::apply_metadata({made.get(), false}, entry, path, warnings_);
    return true;
  }
  const int error = errno;
  remove(path);
  if (error == ENOSPC || error == EDQUOT) throw_system_error("cannot clone", path, error);
  may_clone_ = false;
  return false;
}

bool CopySink::share(int live, const struct stat& status, const std::string& path, ByteView key,
                     const Entry& entry) {
  const auto is_still = [&] {
    struct stat now {};
    return fstat(live, &now) == 0 && disk::same_state(status, now);
  };
  if (clone(live, path, entry)) {
    if (is_still()) return true;
    remove(path);
    return false;
  }
  // Other names of the inode must stay one file with it, which a later separation would undo.
  if (status.st_nlink != 1) return false;
  // By the descriptor: the very file that was looked at, whatever has its name by now.
  const std::string name(disk::split(path).name);
  if (!disk::link_descriptor(live, parent_of(path)->get(), name)) {
    // fs.protected_hardlinks, an immutable file, too many links: it is copied.
    if (disk::means_no_link(errno) || errno == ENOENT) return false;
    throw_system_error("cannot link", path, errno);
  }
  struct stat now {};
  const bool held_still = fstat(live, &now) == 0 && now.st_size == status.st_size &&
                          disk::time_of(now.st_mtim) == disk::time_of(status.st_mtim);
  if (!held_still) {
    remove(path);
    return false;
  }
  shared_.add(status.st_ino, key, entry);
  return true;
}

bool CopySink::take_live(const std::string& path, ByteView key, const Entry& entry) {
  const Fd live = disk::open_beneath(live_.get(), path, kReadFlags);
  struct stat status {};
  if (!live || fstat(live.get(), &status) != 0 || !is_unchanged(status, entry)) return false;
  if (share(live.get(), status, path, key, entry)) return true;
  const Fd made = make_file(path);
  disk::copy_whole(live.get(), made.get(), entry.size, path);
  struct stat now {};
  if (fstat(live.get(), &now) != 0 || !disk::same_state(status, now)) {
    remove(path);
    return false;
  }
  disk::apply_metadata({made.get(), false}, entry, path, warnings_);
  return true;
}

bool CopySink::keeps_earlier(const std::string& path, ByteView key, const Entry& entry,
                             const struct stat& found) {
  if (!same_boot_ || !S_ISREG(found.st_mode) ||
      static_cast<std::uint64_t>(found.st_size) != entry.size) {
    return false;
  }
  const std::string name(disk::split(path).name);
  const Fd fd(openat(parent_of(path)->get(), name.c_str(), kReadFlags));
  if (!fd || !disk::has_metadata({fd.get(), false}, found, entry, path)) return false;
  if (found.st_nlink == 1) return true;
  // Linked by the earlier sink, to the live file alone: its list went with it.
  const Fd live = live_ ? disk::open_beneath(live_.get(), path, O_PATH) : Fd();
  struct stat status {};
  const bool is_shared = live && fstat(live.get(), &status) == 0 && status.st_ino == found.st_ino &&
                         status.st_nlink == 2;
  if (is_shared) shared_.add(found.st_ino, key, entry);
  return is_shared;
}

bool CopySink::reuse(ByteView key, const Entry& entry) {
  const std::string path = disk::checked_path(key);
  if (path.empty()) return false;
  if (has_earlier_) {
    const auto found =
        disk::status_at(parent_of(path)->get(), std::string(disk::split(path).name), path);
    if (found && keeps_earlier(path, key, entry, *found)) {
      ++reused_;
      return true;
    }
    if (found) return false;  // create() knows what to do with it
  }
  if (options_.unchanged == Recognise::by_content) return false;  // create() compares
  if (!live_ || !take_live(path, key, entry)) return false;
  ++reused_;
  return true;
}

std::unique_ptr<FileWriter> CopySink::create(ByteView key, const Entry& entry) {
  std::string path = disk::checked_path(key);
  if (path.empty()) return inner_->create(key, entry);
  if (has_earlier_) {
    const auto found =
        disk::status_at(parent_of(path)->get(), std::string(disk::split(path).name), path);
    const bool is_file = found && S_ISREG(found->st_mode);
    const bool same_size = found && static_cast<std::uint64_t>(found->st_size) == entry.size;
    // Its own content may be right; but nothing is ever written to an inode with other names.
    if (found && (!is_file || (found->st_nlink == 1 && same_size))) {
      return inner_->create(key, entry);
    }
    if (is_file) remove(path);
  }
  Fd live = live_ && entry.size > 0 ? disk::open_beneath(live_.get(), path, kReadFlags) : Fd();
  struct stat status {};
  if (live && fstat(live.get(), &status) == 0 && S_ISREG(status.st_mode) &&
      static_cast<std::uint64_t>(status.st_size) == entry.size) {
    return std::make_unique<CopyWriter>(*this, std::move(live), std::move(path), key, entry,
                                        warnings_);
  }
  return inner_->create(key, entry);
}

/// A file of the copy that is about to get a second name there must not be the live store's too.
void CopySink::separate(const std::string& path) {
  const auto parent = parent_of(path);
  const std::string name(disk::split(path).name);
  const auto found = disk::status_at(parent->get(), name, path);
  if (!found || !S_ISREG(found->st_mode) || found->st_nlink == 1) return;
  const Fd live = live_ ? disk::find_beneath(live_.get(), path, O_PATH) : Fd();
  struct stat status {};
  if (!live) return;
  if (fstat(live.get(), &status) != 0) throw_system_error("cannot look at", path, errno);
  if (status.st_ino != found->st_ino) return;
  const Fd shared(openat(parent->get(), name.c_str(), kReadFlags));
  if (!shared) throw_system_error("cannot open", path, errno);
  Entry own = disk::entry_of(*found, EntryKind::file);
  own.attributes = disk::read_attributes({shared.get(), false}, path);
  const std::string temporary = path + ".salvor-" + std::to_string(Rng::system().next_u64());
  const Fd made = make_file(temporary);
  disk::copy_whole(shared.get(), made.get(), own.size, path);
  disk::apply_metadata({made.get(), false}, own, path, warnings_);
  const std::string temporary_name(disk::split(temporary).name);
  if (renameat(parent->get(), temporary_name.c_str(), parent->get(), name.c_str()) != 0) {
    throw_system_error("cannot replace", path, errno);
  }
}

void CopySink::complete(ByteView key, const Entry& entry) {
  if (entry.kind == EntryKind::hard_link) {
    const std::string first = disk::checked_path(entry.target);
    if (!first.empty()) separate(first);
  }
  inner_->complete(key, entry);
}

void CopySink::commit() {
  inner_->commit();
  shared_.commit();
}

SinkReport CopySink::report() const {
  SinkReport report = inner_->report();
  report.reused = reused_;
  const std::vector<std::string> own = warnings_.lines();
  report.warnings.insert(report.warnings.end(), own.begin(), own.end());
  return report;
}

}  // namespace

std::unique_ptr<Sink> make_copy_sink(CopySinkOptions options) {
  return std::make_unique<CopySink>(std::move(options));
}

}  // namespace salvor::stores::files
