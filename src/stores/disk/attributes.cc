#include "stores/disk/attributes.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.h"
#include "base/fd.h"

namespace salvor::stores::disk {
namespace {

constexpr int kGrowthsMax = 8;

bool has_proc() {
  return access("/proc/self/fd", F_OK) == 0;
}

/// The f*xattr calls refuse an O_PATH descriptor; by way of /proc the plain calls reach the very
/// thing it was opened on, a symlink included.
class Calls {
 public:
  explicit Calls(Handle handle) : fd_(handle.fd) {
    if (handle.is_path) proc_ = "/proc/self/fd/" + std::to_string(fd_);
  }
  explicit Calls(const std::string& path) : proc_(path) {}

  /// To be called first.
  ssize_t list(char* out, std::size_t size) {
    if (!proc_.empty()) {
      const ssize_t result = listxattr(proc_.c_str(), out, size);
      if (result >= 0 || errno != ENOENT || !reopens_directory()) return result;
    }
    return flistxattr(fd_, out, size);
  }
  ssize_t get(const char* name, void* out, std::size_t size) const {
    return proc_.empty() ? fgetxattr(fd_, name, out, size)
                         : getxattr(proc_.c_str(), name, out, size);
  }
  int set(const char* name, ByteView value) const {
    return proc_.empty() ? fsetxattr(fd_, name, value.data(), value.size(), 0)
                         : setxattr(proc_.c_str(), name, value.data(), value.size(), 0);
  }
  int remove(const char* name) const {
    return proc_.empty() ? fremovexattr(fd_, name) : removexattr(proc_.c_str(), name);
  }

 private:
  /// Where there is no /proc; false for all but directories.
  bool reopens_directory() {
    const int error = errno;
    reopened_ = Fd(openat(fd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    errno = error;
    if (!reopened_) return false;
    fd_ = reopened_.get();
    proc_.clear();
    return true;
  }

  int fd_ = -1;
  Fd reopened_;
  std::string proc_;  // where to reach it; empty: by the descriptor
};

/// Calls `fill(out, size)` until its answer fits. Negative, with errno, when it fails.
template <class Fill>
ssize_t fill_buffer(Bytes& buffer, const Fill& fill) {
  for (int attempt = 0;; ++attempt) {
    const ssize_t size = fill(buffer.data(), buffer.size());
    if (size >= 0 || errno != ERANGE || attempt == kGrowthsMax) return size;
    const ssize_t needed = fill(nullptr, 0);
    if (needed < 0) return needed;
    buffer.resize(static_cast<std::size_t>(needed) + 64);
  }
}

/// Sorted names. Negative `size` with errno, when they can't be listed.
ssize_t list_names(Calls& calls, std::vector<std::string>& names) {
  // Nearly all files have none: they cost one call, and nothing is allocated.
  std::array<char, 512> small;
  ssize_t size = calls.list(small.data(), small.size());
  Bytes large;
  const char* text = small.data();
  if (size < 0 && errno == ERANGE) {
    large.resize(small.size());
    size = fill_buffer(large, [&](std::byte* out, std::size_t room) {
      return calls.list(reinterpret_cast<char*>(out), room);
    });
    text = reinterpret_cast<const char*>(large.data());
  }
  for (ssize_t at = 0; at < size;) {
    names.emplace_back(text + at);
    at += static_cast<ssize_t>(names.back().size()) + 1;
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return size;
}

bool is_unsupported(int error) {
  return error == ENOTSUP || error == ENOSYS;
}

/// Whether an attribute that the snapshot does not have is ours to remove: labels that a security
/// module put there (security.selinux, security.ima) are not.
bool is_removable(const std::string& name) {
  return !name.starts_with("security.") || name == "security.capability";
}

bool equals_existing(const Calls& calls, const Attribute& attribute) {
  Bytes value(attribute.value.size() + 1);
  const ssize_t size = calls.get(attribute.name.c_str(), value.data(), value.size());
  if (size != static_cast<ssize_t>(attribute.value.size())) return false;
  value.resize(attribute.value.size());
  return value == attribute.value;
}

std::vector<Attribute> read_all(Calls& calls, bool needs_proc, std::string_view path) {
  std::vector<std::string> names;
  std::vector<Attribute> attributes;
  if (list_names(calls, names) < 0) {
    if (is_unsupported(errno)) return attributes;
    if (needs_proc && !has_proc()) {
      throw Error(ErrorCode::failed,
                  "cannot list the extended attributes of " + printable(path.empty() ? "." : path) +
                      ": there is no /proc",
                  "mount /proc, as on every system: only through it the attributes of symlinks, "
                  "fifos and devices can be read");
    }
    throw_system_error("cannot list the extended attributes of", path, errno);
  }
  for (std::string& name : names) {
    Bytes value(256);
    const ssize_t size = fill_buffer(value, [&](std::byte* out, std::size_t room) {
      return calls.get(name.c_str(), out, room);
    });
    // ENODATA: removed since it was listed. A listed attribute may also have no readable value
    // (trusted.* without the capability is not even listed, but some file systems differ).
    if (size < 0 && (errno == ENODATA || is_unsupported(errno))) continue;
    if (size < 0) throw_system_error("cannot read an extended attribute of", path, errno);
    value.resize(static_cast<std::size_t>(size));
    attributes.push_back({std::move(name), std::move(value)});
  }
  return attributes;
}

}  // namespace

std::vector<Attribute> read_attributes(Handle handle, std::string_view path) {
  Calls calls(handle);
  return read_all(calls, handle.is_path, path);
}

std::vector<Attribute> read_attributes(const std::string& path) {
  Calls calls(path);
  return read_all(calls, false, path);
}

void write_attributes(Handle handle, const std::vector<Attribute>& wanted,
                      const RefusedAttribute& refused) {
  Calls calls(handle);
  std::vector<std::string> existing;
  list_names(calls, existing);
  for (const std::string& name : existing) {
    const auto found = std::lower_bound(
        wanted.begin(), wanted.end(), name,
        [](const Attribute& attribute, const std::string& key) { return attribute.name < key; });
    if (found != wanted.end() && found->name == name) continue;
    if (is_removable(name) && calls.remove(name.c_str()) != 0 && errno != ENODATA) {
      refused(name, errno);
    }
  }
  for (const Attribute& attribute : wanted) {
    const bool exists = std::binary_search(existing.begin(), existing.end(), attribute.name);
    if (exists && equals_existing(calls, attribute)) continue;
    if (calls.set(attribute.name.c_str(), attribute.value) != 0) refused(attribute.name, errno);
  }
}

}  // namespace salvor::stores::disk
