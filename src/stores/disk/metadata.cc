#include "stores/disk/metadata.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "stores/disk/status.h"

namespace salvor::stores::disk {
namespace {

constexpr std::uint32_t kLendsRights = 06000;  // setuid and setgid

bool set_owner(int fd, std::uint32_t uid, std::uint32_t gid) {
  return fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0;
}

int set_mode(Handle handle, std::uint32_t mode) {
  if (!handle.is_path) return fchmod(handle.fd, mode);
  return chmod(("/proc/self/fd/" + std::to_string(handle.fd)).c_str(), mode);
}

}  // namespace

void Warnings::add(const std::string& what, std::string_view path, int error) {
  const std::lock_guard lock(mutex_);
  Line& line = by_what_[what];
  if (line.count++ == 0) {
    line.first_path = path.empty() ? "." : printable(path);
    line.reason = errno_text(error);
  }
}

std::vector<std::string> Warnings::lines() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  for (const auto& [what, line] : by_what_) {
    std::string text = "could not restore " + what + " of " + line.first_path;
    if (line.count > 1) text += " and " + std::to_string(line.count - 1) + " more";
    lines.push_back(text + ": " + line.reason);
  }
  return lines;
}

void apply_metadata(Handle handle, const Entry& entry, std::string_view path, Warnings& warnings) {
  std::uint32_t mode = entry.mode;
  if (!set_owner(handle.fd, entry.uid, entry.gid)) {
    const int error = errno;
    constexpr auto kKeep = static_cast<uid_t>(-1);
    // Who is not root may still be a member of the group.
    set_owner(handle.fd, kKeep, entry.gid);
    struct stat status {};
    const bool is_known = fstat(handle.fd, &status) == 0;
    const bool has_owner = is_known && status.st_uid == entry.uid;
    const bool has_group = is_known && status.st_gid == entry.gid;
    if (!has_owner || !has_group) {
      warnings.add(has_owner   ? "the group"
                   : has_group ? "the owner"
                               : "the owner and the group",
                   path, error);
      if (entry.kind != EntryKind::directory) mode &= ~kLendsRights;
    }
  }
  if (entry.kind != EntryKind::symlink && set_mode(handle, mode) != 0) {
    warnings.add("the mode", path, errno);
  }
  write_attributes(handle, entry.attributes, [&](const std::string& name, int error) {
    warnings.add("the extended attribute " + printable(name), path, error);
  });
  const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, timespec_of(entry.mtime)};
  const int result = handle.is_path ? utimensat(handle.fd, "", times.data(), AT_EMPTY_PATH)
                                    : futimens(handle.fd, times.data());
  if (result != 0) warnings.add("the times", path, errno);
}

bool has_metadata(Handle handle, const struct stat& existing, const Entry& entry,
                  std::string_view path) {
  const Entry now = entry_of(existing, entry.kind);
  return now.mode == entry.mode && now.uid == entry.uid && now.gid == entry.gid &&
         now.mtime == entry.mtime && read_attributes(handle, path) == entry.attributes;
}

}  // namespace salvor::stores::disk
