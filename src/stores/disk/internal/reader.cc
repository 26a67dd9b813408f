#include "stores/disk/internal/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/direct_io.h"
#include "base/error.h"
#include "base/io.h"
#include "stores/disk/attributes.h"
#include "stores/disk/beneath.h"
#include "stores/disk/status.h"

namespace salvor::stores::disk {
namespace {

constexpr std::uint64_t kReadAheadWorthwhile_bytes = 1 << 20U;
/// From here on a file is read past the page cache, and does not push others out of it.
constexpr std::uint64_t kDirectWorthwhile_bytes = 16 << 20U;

/// A socket in its place (ENXIO) is no part of a store.
bool has_vanished(int error) {
  return error == ENOENT || error == ENXIO;
}

/// It, or a directory above it.
bool has_changed_kind(int error) {
  return error == ENOTDIR || error == ELOOP;
}

/// An item that is open, and the state in which it was opened.
struct Opened {
  Bytes key;
  std::string path;
  Handle handle;
  Fd fd;
  struct stat before {};
  EntryKind kind = EntryKind::file;
  Time at;
};

/// What all readers do alike: the metadata, and whether the item held still.
class ItemReader : public ContentReader {
 public:
  ItemReader(const ReaderContext& context, Opened opened)
      : context_(context), opened_(std::move(opened)) {}

  Step read(MutableByteView) override { return {}; }

  bool finish(Entry& entry) override {
    Entry result = entry_of(opened_.before, opened_.kind);
    try {
      // Before the second look at the times: a change of an attribute shows in ctime.
      result.attributes = read_attributes(opened_.handle, opened_.path);
      if (opened_.kind == EntryKind::symlink) result.target = read_target();
    } catch (const Error& error) {
      context_.problems->add(opened_.key, error.message());
      throw;
    }
    struct stat after {};
    if (fstat(opened_.fd.get(), &after) != 0) fail("cannot read the metadata of", errno);
    result.racy = is_racy(result, opened_.at);
    result.size = bytes_read();
    result.unstable = entry.unstable;
    entry = std::move(result);
    return same_state(opened_.before, after) && is_complete();
  }

 protected:
  virtual std::uint64_t bytes_read() const { return 0; }
  virtual bool is_complete() const { return true; }

  [[noreturn]] void fail(std::string_view action, int error) const {
    context_.problems->add(opened_.key, std::string(action) + " it: " + errno_text(error));
    throw Error(ErrorCode::failed,
                std::string(action) + " " + printable(opened_.path) + ": " + errno_text(error));
  }

  const Opened& opened() const { return opened_; }

 private:
  Bytes read_target() const {
    Bytes target(PATH_MAX);
    const ssize_t size =
        readlinkat(opened_.fd.get(), "", reinterpret_cast<char*>(target.data()), target.size());
    if (size < 0) fail("cannot read the symlink", errno);
    target.resize(static_cast<std::size_t>(size));
    return target;
  }

  const ReaderContext context_;
  const Opened opened_;
};

/// A regular file. Never reads beyond the size that it had when it was opened: a log that grows
/// faster than it is read would have no end.
class FileReader final : public ItemReader {
 public:
  FileReader(const ReaderContext& context, Opened opened)
      : ItemReader(context, std::move(opened)),
        fd_(this->opened().fd.get()),
        size_(static_cast<std::uint64_t>(this->opened().before.st_size)) {
    const auto allocated = static_cast<std::uint64_t>(this->opened().before.st_blocks) * 512;
    is_sparse_ = allocated < size_;
    data_end_ = is_sparse_ ? 0 : size_;
    if (size_ >= kDirectWorthwhile_bytes && set_direct(fd_, true)) {
      block_ = std::make_unique<DirectBuffer>();
    } else if (size_ >= kReadAheadWorthwhile_bytes) {
      posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
  }

  Step read(MutableByteView out) override {
    SALVOR_ASSERT(!out.empty());
    if (is_sparse_ && at_ == data_end_ && at_ < size_) {
      if (const std::uint64_t hole = find_data(); hole > 0) {
        at_ += hole;
        return {0, hole};
      }
    }
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), data_end_ - at_));
    const std::size_t count =
        block_ ? read_direct(out.first(wanted)) : read_fully(out.first(wanted), at_);
    at_ += count;
    if (count < wanted) data_end_ = size_ = at_;  // it was cut short: finish() says so
    return {count, 0};
  }

 private:
  std::uint64_t bytes_read() const override { return at_; }
  bool is_complete() const override {
    return at_ == static_cast<std::uint64_t>(opened().before.st_size);
  }

  /// At the end of a stretch of data: how long the hole is that follows; sets the next stretch.
  std::uint64_t find_data() {
    const DataRange data = next_data(fd_, at_, size_);
    data_end_ = data.end;
    return data.start - at_;
  }

  /// Copies from an aligned block, which is filled whenever it is used up.
  std::size_t read_direct(MutableByteView out) {
    std::size_t done = 0;
    while (done < out.size()) {
      const std::uint64_t at = at_ + done;
      if (!has_in_block(at) && !(fill_block(at) && has_in_block(at))) {
        // This medium wants another alignment, or has moved less than the alignment, or the file
        // ends: only a read that need not be aligned can tell.
        if (!set_direct(fd_, false)) fail("cannot read", errno);
        block_.reset();
        return done + read_fully(out.subspan(done), at);
      }
      const auto skip = static_cast<std::size_t>(at - block_at_);
      const std::size_t size = std::min(block_filled_ - skip, out.size() - done);
      std::memcpy(out.data() + done, block_->data() + skip, size);
      done += size;
    }
    return done;
  }

  bool has_in_block(std::uint64_t at) const {
    return at >= block_at_ && at < block_at_ + block_filled_;
  }

  /// False where the medium does not read like this. Until the call has succeeded the block is
  /// empty: it must not be taken for what lies elsewhere.
  bool fill_block(std::uint64_t at) {
    block_filled_ = 0;
    const std::uint64_t start = at / kDirectAlignBytes * kDirectAlignBytes;
    const ssize_t count = retried([&] {
      return pread(fd_, block_->data(), DirectBuffer::size(), static_cast<off_t>(start));
    });
    if (count < 0 && errno == EINVAL) return false;
    if (count < 0) fail("cannot read", errno);
    block_at_ = start;
    block_filled_ = static_cast<std::size_t>(count);
    return true;
  }

  std::size_t read_fully(MutableByteView out, std::uint64_t at) const {
    const ssize_t count = pread_whole(fd_, out, at);
    if (count < 0) fail("cannot read", errno);
    return static_cast<std::size_t>(count);
  }

  const int fd_;
  std::uint64_t size_;  // as it was when opened
  std::uint64_t at_ = 0;
  std::uint64_t data_end_ = 0;  // up to here, what follows is known to be data
  bool is_sparse_ = false;
  std::unique_ptr<DirectBuffer> block_;  // with direct reading: what was read last
  std::uint64_t block_at_ = 0;
  std::size_t block_filled_ = 0;
};

/// Another name of an inode: its metadata belong to the first name.
class HardLinkReader final : public ContentReader {
 public:
  Step read(MutableByteView) override { return {}; }
  bool finish(Entry&) override { return true; }
};

/// Opens a file for reading, anything else only as a place (O_PATH): a fifo would block, a device
/// may act, a directory may be unreadable.
Fd open_item(int root, const Opened& opened) {
  if (opened.kind != EntryKind::file) return open_beneath(root, opened.path, O_PATH);
  const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
  Fd fd = open_beneath(root, opened.path, flags | O_NOATIME);
  // O_NOATIME is for owners only.
  if (!fd && errno == EPERM) fd = open_beneath(root, opened.path, flags);
  return fd;
}

}  // namespace

std::unique_ptr<ContentReader> open_reader(const ReaderContext& context, const Item& item) {
  if (item.entry.kind == EntryKind::hard_link) return std::make_unique<HardLinkReader>();
  Opened opened;
  opened.key = item.key;
  opened.path = checked_path(item.key);
  opened.kind = item.entry.kind;
  // Taken before the first look at the file: only what is written later than this must not be able
  // to leave the same times.
  opened.at = context.clock->now();
  opened.fd = open_item(context.root, opened);
  if (!opened.fd || fstat(opened.fd.get(), &opened.before) != 0) {
    const int error = errno;
    if (has_vanished(error)) return nullptr;
    if (has_changed_kind(error)) {
      context.problems->add_changed_kind(item.key);
    } else {
      context.problems->add(item.key, "cannot open it: " + errno_text(error));
    }
    return nullptr;
  }
  if (kind_of(opened.before.st_mode) != opened.kind) {
    context.problems->add_changed_kind(item.key);
    return nullptr;
  }
  opened.handle = {opened.fd.get(), opened.kind != EntryKind::file};
  if (opened.kind == EntryKind::file) {
    return std::make_unique<FileReader>(context, std::move(opened));
  }
  return std::make_unique<ItemReader>(context, std::move(opened));
}

}  // namespace salvor::stores::disk
