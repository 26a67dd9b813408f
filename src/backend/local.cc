#include "backend/local.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "backend/internal/directory_cache.h"
#include "backend/internal/directory_walk.h"
#include "backend/internal/medium_error.h"
#include "backend/internal/name.h"
#include "backend/internal/object_writer.h"
#include "base/direct_io.h"
#include "base/fd.h"
#include "base/io.h"

namespace salvor::backend {
namespace {

constexpr int kTriesMax = 8;

/// The size from which ranges bypass the page cache: packs are read once.
constexpr std::size_t kDirectReadWorthwhile_bytes = 256U << 10U;

class LocalBackend final : public Backend {
 public:
  LocalBackend(Fd root, const std::filesystem::path& path, LocalOptions options)
      : path_(path.native()),
        directories_(std::move(root), path_),
        writer_(directories_, options.first),
        read_fault_(std::move(options.read_fault)) {
    writer_.remove_leftovers();
  }

  std::string location() const override { return printable(path_); }
  PutResult put_if_absent(const std::string& name, ByteView bytes) override;
  Bytes get(const std::string& name, std::uint64_t bytes_max) override;
  std::size_t get_range(const std::string& name, std::uint64_t offset,
                        MutableByteView out) override;
  std::optional<std::uint64_t> size(const std::string& name) override;
  void list(const std::string& prefix, const std::string& after, const Visit& visit) override;
  void remove(const std::string& name) override;
  std::optional<Error> why_unwritable() override;
  std::optional<std::uint64_t> free_bytes() override;

 private:
  struct OpenObject {
    Fd fd;
    std::uint64_t size_bytes = 0;
  };

  PutResult put(const std::string& name, ByteView bytes);
  Error naming_repository(const Error& error) const;
  OpenObject open_object(const std::string& name);
  OpenObject try_to_open(const DirectoryCache::Directory& directory, const std::string& name) const;
  std::size_t read_at(const OpenObject& object, const std::string& name, std::uint64_t offset,
                      MutableByteView out);
  ssize_t read_directly(const OpenObject& object, std::uint64_t offset, MutableByteView out) const;
  ssize_t try_to_read(const OpenObject& object, const std::string& name, std::uint64_t offset,
                      MutableByteView out) const;
  bool has_readable_object(const std::string& but);

  const std::string path_;
  DirectoryCache directories_;
  ObjectWriter writer_;
  const ReadFault read_fault_;
};

/// Whichever object it was, the whole repository can't be written to.
Error LocalBackend::naming_repository(const Error& error) const {
  return error.with_context("the repository at " + location() + " can't be written to");
}

PutResult LocalBackend::put_if_absent(const std::string& name, ByteView bytes) {
  check_name(name);
  try {
    return put(name, bytes);
  } catch (const Error& error) {
    if (!error.unwritable()) throw;
    throw naming_repository(error);
  }
}

std::optional<Error> LocalBackend::why_unwritable() {
  try {
    writer_.try_out();
    return std::nullopt;
  } catch (const Error& error) {
    // Any other error is reported by the call that meets it.
    if (!error.unwritable()) return std::nullopt;
    return naming_repository(error);
  }
}

PutResult LocalBackend::put(const std::string& name, ByteView bytes) {
  const std::string parent = parent_of(name);
  for (int i = 0; i < kTriesMax; ++i) {
    const DirectoryCache::Handle directory = directories_.make(parent);
    if (!directory) continue;
    if (const auto result = writer_.put(*directory, name, bytes)) return *result;
    directories_.drop_if_stale(parent, directory);
  }
  throw Error(ErrorCode::unreachable,
              "cannot create " + printable(directories_.full_path(name)) +
                  ": its directory is removed again and again",
              "find the other program that changes the repository's directory")
      .as_retryable();
}

/// An invalid descriptor when there is no such object.
LocalBackend::OpenObject LocalBackend::try_to_open(const DirectoryCache::Directory& directory,
                                                   const std::string& name) const {
  // O_NONBLOCK: a fifo of that name would wait for its other end for ever.
  Fd fd(openat(directory.fd.get(), leaf_of(name).c_str(),
               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT || errno == ELOOP || errno == ENXIO) return {};
    throw_medium_error("cannot open", directories_.full_path(name), errno);
  }
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) {
    throw_medium_error("cannot look at", directories_.full_path(name), errno);
  }
  if (!S_ISREG(status.st_mode)) return {};
  return {std::move(fd), static_cast<std::uint64_t>(status.st_size)};
}

LocalBackend::OpenObject LocalBackend::open_object(const std::string& name) {
  const std::string parent = parent_of(name);
  DirectoryCache::Handle directory;
  do {
    directory = directories_.find(parent);
    if (!directory) continue;
    OpenObject object = try_to_open(*directory, name);
    if (object.fd) return object;
  } while (directories_.drop_if_stale(parent, directory));
  throw Error(ErrorCode::not_found, "no object " + printable(name) + " in " + printable(path_));
}

/// A read that bypasses the page cache. -1 with errno; EINVAL where that is not possible.
ssize_t LocalBackend::read_directly(const OpenObject& object, std::uint64_t offset,
                                    MutableByteView out) const {
  if (!set_direct(object.fd.get(), true)) {
    errno = EINVAL;
    return -1;
  }
  const ssize_t count = pread_direct(object.fd.get(), out, offset);
  const int error = errno;
  if (count < 0 && error == EINVAL && !set_direct(object.fd.get(), false)) return -1;
  errno = error;
  return count;
}

/// -1 with errno.
ssize_t LocalBackend::try_to_read(const OpenObject& object, const std::string& name,
                                  std::uint64_t offset, MutableByteView out) const {
  if (read_fault_) {
    errno = read_fault_(name, offset, out.size());
    if (errno != 0) return -1;
  }
  if (out.size() >= kDirectReadWorthwhile_bytes) {
    const ssize_t count = read_directly(object, offset, out);
    if (count >= 0 || errno != EINVAL) return count;
  }
  return pread_whole(object.fd.get(), out, offset);
}

/// Whether some object's first block can still be read from the medium itself, not from memory.
bool LocalBackend::has_readable_object(const std::string& but) {
  for (const char* prefix : {"salvor.json", "keys/", "log/", "packs/"}) {
    std::string found;
    try {
      list(prefix, "", [&](const Object& object) {
        if (found.empty() && object.name != but && object.size_bytes != 0) found = object.name;
      });
      if (found.empty()) continue;
      const OpenObject object = open_object(found);
      std::byte first{};
      posix_fadvise(object.fd.get(), 0, 0, POSIX_FADV_DONTNEED);
      if (try_to_read(object, found, 0, {&first, 1}) == 1) return true;
    } catch (const Error&) {
      // Then the next one.
    }
  }
  return false;
}

std::size_t LocalBackend::read_at(const OpenObject& object, const std::string& name,
                                  std::uint64_t offset, MutableByteView out) {
  ssize_t count = try_to_read(object, name, offset, out);
  if (count < 0 && errno == EIO) {
    if (!has_readable_object(name)) {
      throw_medium_error("cannot read", directories_.full_path(name), EIO);
    }
    count = try_to_read(object, name, offset, out);
    if (count < 0 && errno == EIO) {
      throw Error(ErrorCode::corruption,
                  printable(directories_.full_path(name)) + " can't be read: " + errno_text(EIO),
                  "run `salvor verify --data` to see what is affected, and replace the medium: it "
                  "has a bad place there (dmesg shows it)");
    }
  }
  if (count < 0) throw_medium_error("cannot read", directories_.full_path(name), errno);
  return static_cast<std::size_t>(count);
}

Bytes LocalBackend::get(const std::string& name, std::uint64_t bytes_max) {
  check_name(name);
  const OpenObject object = open_object(name);
  if (object.size_bytes > bytes_max) {
    throw Error(ErrorCode::failed, "cannot read " + printable(directories_.full_path(name)) +
                                       ": found " + std::to_string(object.size_bytes) +
                                       " bytes, expected at most " + std::to_string(bytes_max));
  }
  Bytes bytes(object.size_bytes);
  bytes.resize(read_at(object, name, 0, bytes));
  return bytes;
}

std::size_t LocalBackend::get_range(const std::string& name, std::uint64_t offset,
                                    MutableByteView out) {
  check_name(name);
  const OpenObject object = open_object(name);
  if (offset >= object.size_bytes) return 0;
  const std::uint64_t rest = object.size_bytes - offset;
  return read_at(object, name, offset,
                 out.first(static_cast<std::size_t>(std::min<std::uint64_t>(rest, out.size()))));
}

std::optional<std::uint64_t> LocalBackend::size(const std::string& name) {
  check_name(name);
  const std::string parent = parent_of(name);
  DirectoryCache::Handle directory;
  do {
    directory = directories_.find(parent);
    if (!directory) continue;
    const auto size = object_size(*directory, leaf_of(name), directories_.full_path(name));
    if (size) return size;
  } while (directories_.drop_if_stale(parent, directory));
  return std::nullopt;
}

void LocalBackend::list(const std::string& prefix, const std::string& after, const Visit& visit) {
  check_prefix(prefix);
  walk(directories_, prefix, after, visit);
}

void LocalBackend::remove(const std::string& name) {
  check_name(name);
  const std::string parent = parent_of(name);
  DirectoryCache::Handle directory;
  do {
    directory = directories_.find(parent);
  } while (directories_.drop_if_stale(parent, directory));
  if (!directory) return;
  const std::string leaf = leaf_of(name);
  if (unlinkat(directory->fd.get(), leaf.c_str(), 0) != 0 && errno != ENOENT && errno != EISDIR) {
    throw_medium_error("cannot remove", directories_.full_path(name), errno);
  }
  // Sync also when it is gone already: the process that removed it may not have synced it yet.
  if (retried([&] { return fsync(directory->fd.get()); }) != 0) {
    throw_medium_error("cannot make durable", directories_.full_path(parent), errno);
  }
}

std::optional<std::uint64_t> LocalBackend::free_bytes() {
  struct statvfs status {};
  if (fstatvfs(directories_.find("")->fd.get(), &status) != 0) {
    throw_medium_error("cannot look at", path_, errno);
  }
  return std::uint64_t{status.f_bavail} * std::uint64_t{status.f_frsize};
}

void make_durable_directories(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) return;
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
  make_durable_directories(parent);
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    throw_medium_error("cannot create directory", path.native(), errno);
  }
  sync_directory(parent);
}

std::filesystem::path without_trailing_slash(std::filesystem::path path) {
  while (!path.has_filename() && path.has_relative_path()) path = path.parent_path();
  return path;
}

}  // namespace

std::unique_ptr<Backend> open_local(const std::filesystem::path& path, LocalOptions options) {
  Fd root(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root && errno == ENOENT) {
    throw Error(ErrorCode::not_found, "no repository at " + printable(path.native()),
                "mount its file system, or correct [repository] url, or create it with "
                "`salvor init`");
  }
  if (!root) throw_medium_error("cannot open", path.native(), errno);
  return std::make_unique<LocalBackend>(std::move(root), without_trailing_slash(path), options);
}

std::unique_ptr<Backend> create_local(const std::filesystem::path& path, LocalOptions options) {
  make_durable_directories(without_trailing_slash(path));
  return open_local(path, options);
}

}  // namespace salvor::backend
