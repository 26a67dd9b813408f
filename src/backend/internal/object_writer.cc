#include "backend/internal/object_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "backend/internal/medium_error.h"
#include "backend/internal/name.h"
#include "backend/internal/temporary_file.h"
#include "base/direct_io.h"
#include "base/io.h"

namespace salvor::backend {
namespace {

/// The size from which objects bypass the page cache, since nobody reads them soon.
constexpr std::size_t kDirectWriteWorthwhile_bytes = 1U << 20U;

constexpr std::size_t kBlockBytes = 4096;

void write_durably(int fd, ByteView bytes, const std::string& full_path) {
  if (bytes.size() >= kDirectWriteWorthwhile_bytes && set_direct(fd, true)) {
    if (write_direct(fd, bytes)) {
      bytes = {};
    } else if (errno != EINVAL) {
      throw_write_error("cannot write", full_path, errno);
    } else if (!set_direct(fd, false) || lseek(fd, 0, SEEK_SET) != 0) {
      throw_write_error("cannot write", full_path, EINVAL);
    }
  }
  if (!write_whole(fd, bytes)) throw_write_error("cannot write", full_path, errno);
  if (retried([&] { return fsync(fd); }) != 0) {
    throw_write_error("cannot make durable", full_path, errno);
  }
}

bool is_removed(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && status.st_nlink == 0;
}

/// Gives the unnamed file its name; 0 or errno.
int link_unnamed(int fd, int directory, const std::string& leaf) {
  const std::string self = "/proc/self/fd/" + std::to_string(fd);
  if (linkat(AT_FDCWD, self.c_str(), directory, leaf.c_str(), AT_SYMLINK_FOLLOW) == 0) return 0;
  if (errno != ENOENT && errno != EACCES) return errno;
  // Without /proc (a chroot, say) use this way, which needs CAP_DAC_READ_SEARCH.
  return linkat(fd, "", directory, leaf.c_str(), AT_EMPTY_PATH) == 0 ? 0 : errno;
}

bool means_no_unnamed_files(int error) {
  return error == EOPNOTSUPP || error == EISDIR || error == EINVAL || error == ENOSYS;
}

bool means_no_links(int error) {
  return error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK ||
         error == EINVAL;
}

}  // namespace

std::optional<std::uint64_t> object_size(const DirectoryCache::Directory& directory,
                                         const std::string& leaf, const std::string& full_path) {
  struct stat status {};
  if (fstatat(directory.fd.get(), leaf.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::nullopt;
    throw_medium_error("cannot look at", full_path, errno);
  }
  if (!S_ISREG(status.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(status.st_size);
}

ObjectWriter::ObjectWriter(DirectoryCache& directories, Placing first)
    : directories_(directories), placing_(first) {}

void ObjectWriter::remove_leftovers() {
  TemporaryFile::remove_leftovers(directories_);
}

void ObjectWriter::try_out() {
  for (const char* path : {"", "log", "packs", "index", "journal", "claim", "evidence"}) {
    const DirectoryCache::Handle directory = directories_.find(path);
    if (!directory) continue;
    if (faccessat(directory->fd.get(), ".", W_OK | X_OK, AT_EACCESS) == 0) continue;
    throw_write_error("cannot write to", directories_.full_path(path), errno);
  }
  const DirectoryCache::Handle root = directories_.find("");
  const Fd file(openat(root->fd.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  // Where unnamed files are not possible, only a put can tell.
  if (!file && means_no_unnamed_files(errno)) return;
  const Bytes block(kBlockBytes);
  if (!file || !write_whole(file.get(), block)) {
    throw_write_error("cannot write to", directories_.full_path(""), errno);
  }
}

std::optional<PutResult> ObjectWriter::put(const DirectoryCache::Directory& directory,
                                           const std::string& name, ByteView bytes) {
  const Target target{directory.fd.get(), leaf_of(name), directories_.full_path(name)};
  // Asking first saves the writing of what is there already. The link decides in any case.
  Outcome outcome = object_size(directory, target.leaf, target.full_path) ? Outcome::exists
                                                                          : Outcome::unsupported;
  if (outcome == Outcome::unsupported && placing_ == Placing::unnamed) {
    outcome = put_unnamed(target, bytes);
    if (outcome == Outcome::unsupported) placing_ = Placing::linked;
  }
  if (outcome == Outcome::unsupported) outcome = put_named(target, bytes);
  if (outcome == Outcome::gone) return std::nullopt;
  // Sync also an object that exists: the process that put it may not have synced it yet.
  if (retried([&] { return fsync(target.directory); }) != 0) {
    throw_write_error("cannot make durable", target.full_path, errno);
  }
  if (outcome == Outcome::created) return PutResult::created;
  struct stat status {};
  if (fstatat(target.directory, target.leaf.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      !S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::failed,
                "cannot create " + printable(target.full_path) +
                    ": found something of that name that is not a regular file",
                "move it out of the repository");
  }
  return PutResult::exists;
}

ObjectWriter::Outcome ObjectWriter::put_unnamed(const Target& target, ByteView bytes) {
  const Fd file(openat(target.directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (!file) {
    if (means_no_unnamed_files(errno)) return Outcome::unsupported;
    if (errno == ENOENT) return Outcome::gone;
    throw_write_error("cannot create", target.full_path, errno);
  }
  write_durably(file.get(), bytes, target.full_path);
  const int error = link_unnamed(file.get(), target.directory, target.leaf);
  if (error == 0) return Outcome::created;
  if (error == EEXIST) return Outcome::exists;
  if (error == ENOENT && is_removed(target.directory)) return Outcome::gone;
  if (error == ENOENT || error == EACCES || means_no_links(error)) return Outcome::unsupported;
  throw_write_error("cannot create", target.full_path, error);
}

ObjectWriter::Outcome ObjectWriter::put_named(const Target& target, ByteView bytes) {
  TemporaryFile file(directories_);
  write_durably(file.fd(), bytes, target.full_path);
  int error = 0;
  if (placing_ != Placing::renamed) {
    if (linkat(file.directory(), file.name().c_str(), target.directory, target.leaf.c_str(), 0) ==
        0) {
      return Outcome::created;
    }
    error = errno;
    // NFS repeats a request whose answer was lost, and then finds the link that it made itself.
    if (error == EEXIST) return file.links() > 1 ? Outcome::created : Outcome::exists;
    if (means_no_links(error)) placing_ = Placing::renamed;
  }
  if (placing_ == Placing::renamed) {
    if (renameat2(file.directory(), file.name().c_str(), target.directory, target.leaf.c_str(),
                  RENAME_NOREPLACE) == 0) {
      file.release();
      return Outcome::created;
    }
    error = errno;
    if (error == EEXIST) return Outcome::exists;
    if (error == EINVAL || error == ENOSYS || error == EOPNOTSUPP) {
      throw Error(ErrorCode::failed,
                  "cannot create " + printable(target.full_path) +
                      ": the file system has neither hard links nor a rename that does not replace",
                  "keep the repository on another file system (ext4, XFS, Btrfs, ZFS, NFS)");
    }
  }
  if (error == ENOENT && file.links() > 0) return Outcome::gone;
  if (error == ENOENT) {
    throw Error(ErrorCode::unreachable, "cannot create " + printable(target.full_path) +
                                            ": another process removed its temporary file")
        .as_retryable();
  }
  throw_write_error("cannot create", target.full_path, error);
}

}  // namespace salvor::backend
