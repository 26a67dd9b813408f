#include "stores/disk/internal/copy_at.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "base/error.h"
#include "base/fd.h"
#include "stores/disk/compare_writer.h"
#include "stores/disk/links.h"
#include "stores/disk/status.h"

namespace salvor::stores::disk {
namespace {

Fd open_at(const NameAt& at, int flags) {
  return Fd(openat(at.parent, at.name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, 0600));
}

/// False with errno.
bool make_special(const NameAt& from, const NameAt& to, const struct stat& status) {
  if (!S_ISLNK(status.st_mode)) {
    return mknodat(to.parent, to.name.c_str(), (status.st_mode & S_IFMT) | 0600U, status.st_rdev) ==
           0;
  }
  std::string target(PATH_MAX, '\0');
  const ssize_t size = readlinkat(from.parent, from.name.c_str(), target.data(), target.size());
  if (size < 0) return false;
  target.resize(static_cast<std::size_t>(size));
  return symlinkat(target.c_str(), to.parent, to.name.c_str()) == 0;
}

bool refuse(const NameAt& to) {
  if (!means_impossible(errno)) throw_system_error("cannot create", to.path, errno);
  return false;
}

}  // namespace

bool copy_at(const NameAt& from, const NameAt& to, const struct stat& status, Warnings& warnings) {
  const bool is_file = S_ISREG(status.st_mode);
  const Fd source = open_at(from, is_file ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH);
  if (!source) throw_system_error("cannot open", from.path, errno);
  if (!is_file && !make_special(from, to, status)) return refuse(to);
  const Fd made = open_at(to, is_file ? O_RDWR | O_CREAT | O_EXCL : O_PATH);
  if (!made && is_file) return refuse(to);
  if (!made) throw_system_error("cannot open", to.path, errno);
  const auto kind = kind_of(status.st_mode);
  if (!kind) throw_system_error("cannot copy", from.path, EINVAL);
  Entry entry = entry_of(status, *kind);
  entry.attributes = read_attributes({source.get(), !is_file}, from.path);
  if (is_file) copy_whole(source.get(), made.get(), entry.size, from.path);
  apply_metadata({made.get(), !is_file}, entry, to.path, warnings);
  return true;
}

}  // namespace salvor::stores::disk
