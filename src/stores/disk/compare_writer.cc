#include "stores/disk/compare_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/io.h"
#include "stores/disk/status.h"

namespace salvor::stores::disk {
namespace {

constexpr std::size_t kCompareBytes = 256 << 10U;

[[noreturn]] void throw_changed(const std::string& path) {
  throw Error(ErrorCode::conflict,
              printable(path) + " was changed while it was compared with the snapshot",
              "make sure that nobody writes to the live store, and resume the restore");
}

/// Where the kernel can't: another file system, or an old one.
bool must_copy_by_hand(int error) {
  return error == EXDEV || error == EINVAL || error == ENOSYS || error == EOPNOTSUPP ||
         error == EPERM || error == EBADF;
}

void copy_by_hand(int from, int to, std::uint64_t offset, std::uint64_t end,
                  const std::string& path) {
  Bytes buffer(kCompareBytes);
  while (offset < end) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - offset));
    const std::size_t count = pread_some(from, MutableByteView(buffer).first(wanted), offset, path);
    if (count == 0) throw_changed(path);
    pwrite_all(to, ByteView(buffer).first(count), offset, path);
    offset += count;
  }
}

}  // namespace

void copy_range(int from, int to, std::uint64_t offset, std::uint64_t length,
                const std::string& path) {
  const std::uint64_t end = offset + length;
  while (offset < end) {
    constexpr std::uint64_t kAtOnceMax = 1U << 30U;
    const auto wanted = static_cast<std::size_t>(std::min(end - offset, kAtOnceMax));
    const ssize_t count = retried([&] {
      auto in = static_cast<off64_t>(offset);
      auto out = in;
      return copy_file_range(from, &in, to, &out, wanted, 0);
    });
    if (count < 0 && must_copy_by_hand(errno)) return copy_by_hand(from, to, offset, end, path);
    if (count < 0) throw_system_error("cannot copy", path, errno);
    if (count == 0) throw_changed(path);
    offset += static_cast<std::uint64_t>(count);
  }
}

void copy_whole(int from, int to, std::uint64_t size, const std::string& path) {
  set_size(to, size, path);
  for (std::uint64_t at = 0; at < size;) {
    const DataRange data = next_data(from, at, size);
    if (data.start < data.end) copy_range(from, to, data.start, data.end - data.start, path);
    at = data.end;
  }
}

CompareWriter::CompareWriter(Fd reference, std::string path, const Entry& entry, Warnings& warnings)
    : reference_(std::move(reference)), path_(std::move(path)), entry_(entry), warnings_(warnings) {
  if (reference_ && fstat(reference_.get(), &opened_) != 0) {
    throw_system_error("cannot read", path_, errno);
  }
}

std::size_t CompareWriter::read_existing(MutableByteView out, std::uint64_t offset) {
  return reference_ ? pread_some(reference_.get(), out, offset, path_) : 0;
}

int CompareWriter::writable() {
  if (const int fd = fd_.load(); fd >= 0) return fd;
  const std::lock_guard lock(mutex_);
  if (const int fd = fd_.load(); fd >= 0) return fd;
  new_ = make();
  fd_.store(new_.get());
  return new_.get();
}

void CompareWriter::write(ByteView bytes, std::uint64_t offset) {
  pwrite_all(writable(), bytes, offset, path_);
  covered_bytes_ += bytes.size();
}

void CompareWriter::keep(std::uint64_t offset, std::uint64_t length) {
  const std::lock_guard lock(mutex_);
  covered_bytes_ += length;
  std::uint64_t end = offset + length;
  const auto next = kept_.find(end);
  if (next != kept_.end()) {
    end = next->second;
    kept_.erase(next);
  }
  const auto after = kept_.lower_bound(offset);
  const auto before = after == kept_.begin() ? kept_.end() : std::prev(after);
  if (before != kept_.end() && before->second == offset) {
    before->second = end;
  } else {
    kept_.emplace_hint(after, offset, end);
  }
}

void CompareWriter::punch_hole(std::uint64_t offset, std::uint64_t length) {
  // Do not count what lies beyond the end that the file will have.
  const std::uint64_t size = std::min(length, entry_.size - std::min(offset, entry_.size));
  const std::lock_guard lock(mutex_);
  covered_bytes_ += size;
  if (!reference_ || size == 0) return;
  if (next_data(reference_.get(), offset, offset + size).start != offset + size) differs_ = true;
}

bool CompareWriter::is_equal(const struct stat& now) const {
  return fd_ < 0 && !differs_ && static_cast<std::uint64_t>(now.st_size) == entry_.size &&
         has_metadata({reference_.get(), false}, now, entry_, path_);
}

void CompareWriter::refuse_changed() const {
  struct stat now {};
  if (fstat(reference_.get(), &now) != 0) throw_system_error("cannot read", path_, errno);
  if (!same_state(opened_, now)) throw_changed(path_);
}

void CompareWriter::finish() {
  // A range that was neither kept nor written would be zeros.
  if (covered_bytes_ != entry_.size) {
    throw Error(ErrorCode::failed, printable(path_) + " has " + std::to_string(covered_bytes_) +
                                       " bytes, expected " + std::to_string(entry_.size));
  }
  if (reference_) {
    refuse_changed();
    if (is_equal(opened_) && take_reference(opened_)) return;
  }
  const int fd = writable();
  for (const auto& [offset, end] : kept_) {
    copy_range(reference_.get(), fd, offset, end - offset, path_);
  }
  if (!kept_.empty()) refuse_changed();
  set_size(fd, entry_.size, path_);
  apply_metadata({fd, false}, entry_, path_, warnings_);
  if (!close_written(new_.release())) throw_system_error("cannot write", path_, errno);
  publish();
}

}  // namespace salvor::stores::disk
