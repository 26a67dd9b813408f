#include "stores/disk/internal/file_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>

#include "base/error.h"
#include "base/io.h"
#include "base/random.h"
#include "stores/disk/compare_writer.h"
#include "stores/disk/links.h"
#include "stores/disk/status.h"

namespace salvor::stores::disk {
namespace {

constexpr int kNewFile = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
constexpr std::size_t kCopyBytes = 256 << 10U;

/// Whether all of [offset, offset + length) is a hole already.
bool is_hole(int fd, std::uint64_t offset, std::uint64_t length) {
  return next_data(fd, offset, offset + length).start == offset + length;
}

std::uint64_t size_of(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) throw_system_error("cannot read the size of", path, errno);
  return static_cast<std::uint64_t>(status.st_size);
}

void write_zeros(int fd, std::uint64_t offset, std::uint64_t end, const std::string& path) {
  const Bytes zeros(kCopyBytes);
  while (offset < end) {
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), end - offset));
    pwrite_all(fd, ByteView(zeros).first(count), offset, path);
    offset += count;
  }
}

/// A hole in a file that may have old bytes there.
void make_hole(int fd, std::uint64_t offset, std::uint64_t length, const std::string& path) {
  const std::uint64_t end = std::min(offset + length, size_of(fd, path));
  if (offset >= end || is_hole(fd, offset, end - offset)) return;
  const int result = retried([&] {
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                     static_cast<off_t>(end - offset));
  });
  if (result == 0) return;
  if (errno != EOPNOTSUPP) throw_system_error("cannot make a hole in", path, errno);
  write_zeros(fd, offset, end, path);
}

/// A file where nothing was. Few calls: most restores are many small files.
class NewFile final : public FileWriter {
 public:
  NewFile(const WriterContext& context, Spot spot, const Entry& entry, Fd fd)
      : context_(context), spot_(std::move(spot)), entry_(entry), fd_(std::move(fd)) {}

  std::size_t read_existing(MutableByteView, std::uint64_t) override { return 0; }

  void write(ByteView bytes, std::uint64_t offset) override {
    pwrite_all(fd_.get(), bytes, offset, spot_.path);
    const std::uint64_t end = offset + bytes.size();
    std::uint64_t before = end_.load();
    while (before < end && !end_.compare_exchange_weak(before, end)) {
    }
  }

  void punch_hole(std::uint64_t, std::uint64_t) override {}

  void finish() override {
    if (end_ != entry_.size) set_size(fd_.get(), entry_.size, spot_.path);
    apply_metadata({fd_.get(), false}, entry_, spot_.path, *context_.warnings);
    if (!close_written(fd_.release())) throw_system_error("cannot write", spot_.path, errno);
  }

 private:
  const WriterContext context_;
  const Spot spot_;
  const Entry entry_;
  Fd fd_;
  std::atomic<std::uint64_t> end_{0};  // of the bytes written so far
};

/// A file that exists (delta). One that can be written and has no other name is changed in place.
/// Else its inode stays as it is, for its other names or its owner's sake: on the first difference
/// its content is copied to a new inode, which takes the name when it is finished. Without any
/// difference it is left alone, so that hard links that are right stay.
class ExistingFile final : public FileWriter {
 public:
  ExistingFile(const WriterContext& context, Spot spot, const Entry& entry, Fd old, bool in_place)
      : context_(context), spot_(std::move(spot)), entry_(entry), old_(std::move(old)) {
    if (in_place) fd_.store(old_.get());
  }

  ~ExistingFile() override {
    if (!temporary_.empty()) unlinkat(spot_.parent->get(), temporary_.c_str(), 0);
  }

  std::size_t read_existing(MutableByteView out, std::uint64_t offset) override {
    if (!old_) return 0;
    return pread_some(old_.get(), out, offset, spot_.path);
  }

  void write(ByteView bytes, std::uint64_t offset) override {
    pwrite_all(writable(), bytes, offset, spot_.path);
  }

  void punch_hole(std::uint64_t offset, std::uint64_t length) override {
    if (fd_ < 0 && old_) {
      const std::uint64_t end = std::min(offset + length, size_of(old_.get(), spot_.path));
      if (offset >= end || is_hole(old_.get(), offset, end - offset)) return;
    }
    make_hole(writable(), offset, length, spot_.path);
  }

  void finish() override {
    if (fd_ < 0 && old_ && is_right_already()) return;
    const int fd = writable();
    if (size_of(fd, spot_.path) != entry_.size) set_size(fd, entry_.size, spot_.path);
    apply_metadata({fd, false}, entry_, spot_.path, *context_.warnings);
    Fd& written = temporary_.empty() ? old_ : new_;
    if (!close_written(written.release())) throw_system_error("cannot write", spot_.path, errno);
    if (temporary_.empty()) return;
    const int parent = spot_.parent->get();
    if (renameat(parent, temporary_.c_str(), parent, spot_.name.c_str()) != 0) {
      throw_system_error("cannot replace", spot_.path, errno);
    }
    temporary_.clear();
  }

 private:
  bool is_right_already() const {
    struct stat status {};
    if (fstat(old_.get(), &status) != 0) throw_system_error("cannot read", spot_.path, errno);
    return static_cast<std::uint64_t>(status.st_size) == entry_.size &&
           has_metadata({old_.get(), false}, status, entry_, spot_.path);
  }

  /// The descriptor to write to; makes the new inode when there is none yet.
  int writable() {
    if (const int fd = fd_.load(); fd >= 0) return fd;
    const std::lock_guard lock(mutex_);
    if (const int fd = fd_.load(); fd >= 0) return fd;
    const std::string name = ".salvor-" + std::to_string(Rng::system().next_u64());
    Fd made(openat(spot_.parent->get(), name.c_str(), kNewFile, 0600));
    if (!made) throw_system_error("cannot create a file beside", spot_.path, errno);
    temporary_ = name;
    if (old_) copy_whole(old_.get(), made.get(), size_of(old_.get(), spot_.path), spot_.path);
    new_ = std::move(made);
    fd_.store(new_.get());
    return new_.get();
  }

  const WriterContext context_;
  const Spot spot_;
  const Entry entry_;
  Fd old_;                   // invalid when it could not even be read
  std::atomic<int> fd_{-1};  // old_ in place, or new_
  std::mutex mutex_;         // guards the making of what follows
  Fd new_;
  std::string temporary_;  // new_'s name until it is finished
};

/// A file that the target can't have.
class NoFile final : public FileWriter {
 public:
  std::size_t read_existing(MutableByteView, std::uint64_t) override { return 0; }
  void write(ByteView, std::uint64_t) override {}
  void punch_hole(std::uint64_t, std::uint64_t) override {}
  void finish() override {}
};

std::unique_ptr<FileWriter> make_new(const WriterContext& context, Spot spot, const Entry& entry) {
  Fd fd(openat(spot.parent->get(), spot.name.c_str(), kNewFile, 0600));
  if (!fd && errno == EEXIST) {
    throw Error(
        ErrorCode::conflict, "found something at " + printable(spot.path) + ", expected nothing",
        "make sure that nobody else writes to the target; a target that ignores the case of "
        "names can't hold names that differ in case only");
  }
  if (!fd && means_impossible(errno)) {
    context.not_made->add(spot.path, EntryKind::file, errno);
    return std::make_unique<NoFile>();
  }
  if (!fd) throw_system_error("cannot create", spot.path, errno);
  return std::make_unique<NewFile>(context, std::move(spot), entry, std::move(fd));
}

std::unique_ptr<FileWriter> make_existing(const WriterContext& context, Spot spot,
                                          const Entry& entry, const struct stat& status) {
  constexpr int kFlags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const int parent = spot.parent->get();
  Fd fd;
  bool in_place = false;
  if (status.st_nlink == 1) {
    fd = Fd(openat(parent, spot.name.c_str(), O_RDWR | kFlags));
    in_place = fd.valid();
  }
  if (!fd) fd = Fd(openat(parent, spot.name.c_str(), O_RDONLY | kFlags));
  struct stat opened {};
  if (fd && fstat(fd.get(), &opened) != 0) throw_system_error("cannot look at", spot.path, errno);
  if (fd && !S_ISREG(opened.st_mode)) {
    throw Error(ErrorCode::conflict,
                printable(spot.path) + " was replaced while it was being restored",
                "make sure that nobody else writes to the target");
  }
  // What is written must not be readable by more than those who may read it in the end.
  const mode_t mode = (opened.st_mode & entry.mode & 0777U) | 0600U;
  if (in_place && mode != (opened.st_mode & 07777U)) fchmod(fd.get(), mode);
  return std::make_unique<ExistingFile>(context, std::move(spot), entry, std::move(fd), in_place);
}

}  // namespace

std::unique_ptr<FileWriter> open_writer(const WriterContext& context, Spot spot,
                                        const Entry& entry) {
  const int parent = spot.parent->get();
  const auto found = context.delta ? status_at(parent, spot.name, spot.path) : std::nullopt;
  if (found && S_ISREG(found->st_mode)) {
    return make_existing(context, std::move(spot), entry, *found);
  }
  if (found) context.aside->move(parent, spot.name, spot.path);
  return make_new(context, std::move(spot), entry);
}

}  // namespace salvor::stores::disk
