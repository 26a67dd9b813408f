#include "stores/files/internal/shared.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "base/error.h"
#include "base/random.h"
#include "base/sleeper.h"
#include "codec/wire.h"
#include "stores/disk/beneath.h"
#include "stores/disk/compare_writer.h"
#include "stores/disk/exchange.h"
#include "stores/disk/status.h"

namespace salvor::stores::files {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kList = "shared";
constexpr std::string_view kTime = "shared-since";
constexpr std::string_view kWritten = "written";
constexpr std::uint64_t kSharedNoteBytesMax = 64;

/// What the file system stamps now.
Time stamp(const fs::path& directory) {
  const fs::path probe = directory / "clock";
  const Fd fd = open_file(probe, O_WRONLY | O_CREAT);
  struct stat status {};
  if (futimens(fd.get(), nullptr) != 0 || fstat(fd.get(), &status) != 0) {
    throw_system_error("cannot read the time of", probe.native(), errno);
  }
  return disk::time_of(status.st_ctim);
}

/// From when on a change counts; when that is not known, every one does.
Time shared_since(const fs::path& workplace) {
  Time since{INT64_MIN};
  const fs::path note = workplace / kTime;
  if (disk::inode_at(note) == 0) return since;
  const Bytes bytes = read_file(note, kSharedNoteBytesMax);
  const std::string_view text = as_text(bytes);
  std::from_chars(text.data(), text.data() + text.size(), since.ns);
  return since;
}

/// Gives a file a new inode, when it is not what it should be. The old one stays with the copy.
class SeparateWriter final : public disk::CompareWriter {
 public:
  SeparateWriter(Fd reference, std::string file_path, const Entry& wanted, disk::Warnings& warnings,
                 const fs::path& workplace, const Fd& parent, Way way)
      : disk::CompareWriter(std::move(reference), std::move(file_path), wanted, warnings),
        temporary_(workplace / ("separate-" + std::to_string(Rng::system().next_u64()))),
        parent_(parent),
        written_(way == Way::back ? workplace / kWritten : fs::path()) {}
  ~SeparateWriter() override { unlink(temporary_.c_str()); }

  bool changed() const { return changed_; }

 private:
  Fd make() override { return open_file(temporary_, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW); }
  bool take_reference(const struct stat&) override { return true; }

  void publish() override {
    const Fd fd = open_file(temporary_, O_RDONLY | O_NOFOLLOW);
    sync_file(fd.get(), temporary_.native());
    const std::string name(disk::split(path()).name);
    struct stat status {};
    const bool has_times = fstat(parent_.get(), &status) == 0;
    keep_only_name(name);
    // Note it first: after the rename only the copy has what was written.
    if (!written_.empty()) write_file_atomically(written_, {});
    if (renameat(AT_FDCWD, temporary_.c_str(), parent_.get(), name.c_str()) != 0) {
      throw_system_error("cannot replace", path(), errno);
    }
    changed_ = true;
    // Its directory is as it was.
    const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, status.st_mtim};
    if (has_times) futimens(parent_.get(), times.data());
  }

  /// Where the copy has given the name to another file meanwhile, this is the only name of what was
  /// written: it stays in the workplace.
  void keep_only_name(const std::string& name) const {
    const auto found = disk::status_at(parent_.get(), name, path());
    if (!found || found->st_nlink != 1) return;
    const fs::path kept = temporary_.native() + "-written";
    if (linkat(parent_.get(), name.c_str(), AT_FDCWD, kept.c_str(), 0) != 0) {
      throw_system_error("cannot keep", path(), errno);
    }
  }

  const fs::path temporary_;
  const Fd& parent_;
  const fs::path written_;  // the note that the copy has what was written; empty for none
  bool changed_ = false;
};

}  // namespace

SharedList::SharedList(fs::path workplace)
    : workplace_(std::move(workplace)), out_(workplace_ / kList) {}

void SharedList::add(std::uint64_t inode, ByteView key, const Entry& entry) {
  codec::WireWriter record;
  record.u64(inode);
  record.bytes(key);
  record.bytes(encode(entry));
  const std::lock_guard lock(mutex_);
  out_.add(record.view());
}

void SharedList::commit() {
  const std::lock_guard lock(mutex_);
  const Time last = stamp(workplace_);
  out_.commit();
  // File systems stamp with a granularity: only what comes after its next tick can be told.
  constexpr std::int64_t kTickPollMs = 2;
  while (stamp(workplace_) <= last) Sleeper::system().sleep(kTickPollMs, {});
  write_file_atomically(workplace_ / kTime, as_bytes(std::to_string(last.ns)));
}

bool has_written(const fs::path& workplace) {
  return disk::inode_at(workplace / kWritten) != 0;
}

std::uint64_t separate_shared(const fs::path& workplace, const fs::path& live,
                              const Replacement::Rewrite& rewrite, Way way) {
  if (disk::inode_at(workplace / kList) == 0) return 0;
  const Time since = shared_since(workplace);
  const Fd root = open_file(live, O_RDONLY | O_DIRECTORY);
  disk::Warnings warnings;
  std::uint64_t separated = 0;
  disk::ListFileReader in(workplace / kList);
  while (const std::optional<Bytes> record = in.next()) {
    codec::WireReader fields(*record, "the list of shared files");
    const std::uint64_t inode = fields.u64();
    const ByteView key = fields.bytes();
    const std::string path = disk::checked_path(key);
    const disk::SplitPath parts = disk::split(path);
    const Fd parent = disk::find_beneath(root.get(), parts.parent, O_RDONLY | O_DIRECTORY);
    const std::string name(parts.name);
    const auto found = parent ? disk::status_at(parent.get(), name, path) : std::nullopt;
    if (!found || found->st_ino != inode) continue;
    const struct stat& status = *found;
    const Entry entry = decode_entry(fields.bytes());
    // What was written before the list was complete is told by what a write changes as well.
    const bool is_written = disk::time_of(status.st_ctim) > since ||
                            disk::time_of(status.st_mtim) != entry.mtime ||
                            static_cast<std::uint64_t>(status.st_size) != entry.size;
    if (!is_written) continue;
    const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
    Fd reference(openat(parent.get(), name.c_str(), flags));
    if (!reference) throw_system_error("cannot open", path, errno);
    SeparateWriter writer(std::move(reference), path, entry, warnings, workplace, parent, way);
    rewrite(key, writer);
    if (writer.changed()) ++separated;
  }
  if (separated > 0) sync_file_system(root.get(), live.native());
  if (const auto lines = warnings.lines(); !lines.empty()) {
    throw Error(ErrorCode::failed, lines.front(), "run as root");
  }
  return separated;
}

}  // namespace salvor::stores::files
