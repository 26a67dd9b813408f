#include "stores/disk/status.h"

#include <fcntl.h>

#include <cerrno>

#include "base/error.h"

namespace salvor::stores::disk {
namespace {

constexpr std::int64_t kSecond_ns = 1'000'000'000;
constexpr std::int64_t kUnsettled_ns = 60 * kSecond_ns;

}  // namespace

Time time_of(timespec value) {
  std::int64_t ns = 0;
  if (__builtin_mul_overflow(static_cast<std::int64_t>(value.tv_sec), kSecond_ns, &ns) ||
      __builtin_add_overflow(ns, static_cast<std::int64_t>(value.tv_nsec), &ns)) {
    return {value.tv_sec < 0 ? INT64_MIN : INT64_MAX};
  }
  return {ns};
}

timespec timespec_of(Time time) {
  timespec value{};
  value.tv_sec = time.ns / kSecond_ns;
  value.tv_nsec = time.ns % kSecond_ns;
  if (value.tv_nsec < 0) {
    value.tv_nsec += kSecond_ns;
    --value.tv_sec;
  }
  return value;
}

std::optional<struct stat> status_at(int parent, const std::string& name, std::string_view path) {
  struct stat status {};
  if (fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
  // A name that is too long for this file system is nobody's.
  if (errno != ENOENT && errno != ENAMETOOLONG) throw_system_error("cannot look at", path, errno);
  return std::nullopt;
}

std::optional<EntryKind> kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return EntryKind::file;
    case S_IFDIR:
      return EntryKind::directory;
    case S_IFLNK:
      return EntryKind::symlink;
    case S_IFIFO:
      return EntryKind::fifo;
    case S_IFCHR:
      return EntryKind::character_device;
    case S_IFBLK:
      return EntryKind::block_device;
    default:
      return std::nullopt;
  }
}

Entry entry_of(const struct stat& status, EntryKind kind) {
  Entry entry;
  entry.kind = kind;
  entry.mode = status.st_mode & 07777U;
  entry.uid = status.st_uid;
  entry.gid = status.st_gid;
  if (kind == EntryKind::file) entry.size = static_cast<std::uint64_t>(status.st_size);
  entry.mtime = time_of(status.st_mtim);
  entry.ctime = time_of(status.st_ctim);
  entry.inode = status.st_ino;
  entry.device = status.st_dev;
  if (kind == EntryKind::character_device || kind == EntryKind::block_device) {
    entry.rdev = status.st_rdev;
  }
  return entry;
}

bool same_state(const struct stat& before, const struct stat& after) {
  return before.st_size == after.st_size && time_of(before.st_mtim) == time_of(after.st_mtim) &&
         time_of(before.st_ctim) == time_of(after.st_ctim);
}

bool is_racy(const Entry& entry, Time read_at) {
  const Time newest = entry.mtime < entry.ctime ? entry.ctime : entry.mtime;
  return newest.ns > read_at.ns - kUnsettled_ns;
}

}  // namespace salvor::stores::disk
