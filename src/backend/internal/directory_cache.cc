#include "backend/internal/directory_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "backend/internal/medium_error.h"
#include "backend/internal/name.h"
#include "base/error.h"
#include "base/io.h"

namespace salvor::backend {
namespace {

bool is_symlink(int parent, const std::string& leaf) {
  struct stat status {};
  return fstatat(parent, leaf.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISLNK(status.st_mode);
}

DirectoryCache::Handle directory_of(Fd fd) {
  auto directory = std::make_shared<DirectoryCache::Directory>();
  directory->fd = std::move(fd);
  return directory;
}

}  // namespace

DirectoryCache::DirectoryCache(Fd root, std::string location, std::size_t directories_max)
    : location_(std::move(location)),
      directories_max_(directories_max),
      root_(directory_of(std::move(root))) {
  root_->durable = true;
}

std::string DirectoryCache::full_path(const std::string& name) const {
  return name.empty() ? location_ : location_ + "/" + name;
}

DirectoryCache::Handle DirectoryCache::lookup(const std::string& path) {
  if (path.empty()) return root_;
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(path);
  return found == open_.end() ? nullptr : found->second;
}

DirectoryCache::Handle DirectoryCache::keep(const std::string& path, Fd fd) {
  const std::lock_guard lock(mutex_);
  // Random names spread evenly over all directories, so the order of dropping does not matter.
  if (open_.size() >= directories_max_) open_.clear();
  return open_.insert_or_assign(path, directory_of(std::move(fd))).first->second;
}

DirectoryCache::Handle DirectoryCache::open_below(const Directory& parent,
                                                  const std::string& path) {
  const std::string leaf = leaf_of(path);
  Fd fd(openat(parent.fd.get(), leaf.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd) return keep(path, std::move(fd));
  const int error = errno;
  if (error == ENOENT) return nullptr;
  if (error != ENOTDIR && error != ELOOP) {
    throw_medium_error("cannot open", full_path(path), error);
  }
  if (is_symlink(parent.fd.get(), leaf)) {
    throw Error(ErrorCode::failed,
                "cannot open " + printable(full_path(path)) +
                    ": found a symbolic link, expected a directory",
                "salvor follows no links inside a repository: use a bind mount instead");
  }
  return nullptr;
}

DirectoryCache::Handle DirectoryCache::find(const std::string& path) {
  if (Handle known = lookup(path)) return known;
  const Handle parent = find(parent_of(path));
  return parent ? open_below(*parent, path) : nullptr;
}

DirectoryCache::Handle DirectoryCache::make(const std::string& path) {
  Handle known = lookup(path);
  if (known && known->durable) return known;
  const Handle parent = make(parent_of(path));
  if (!parent) return nullptr;
  const std::string leaf = leaf_of(path);
  if (mkdirat(parent->fd.get(), leaf.c_str(), 0700) == 0) {
    known = nullptr;
  } else if (errno == ENOENT) {
    drop_all();
    return nullptr;
  } else if (errno != EEXIST) {
    throw_write_error("cannot create directory", full_path(path), errno);
  }
  if (!known) known = open_below(*parent, path);
  if (!known) {
    if (faccessat(parent->fd.get(), leaf.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0) return nullptr;
    throw Error(ErrorCode::failed,
                "cannot create directory " + printable(full_path(path)) +
                    ": found something else of that name",
                "move it out of the repository");
  }
  // Sync also what another process has created: it may not have synced it yet.
  if (retried([&] { return fsync(parent->fd.get()); }) != 0) {
    throw_write_error("cannot make durable", full_path(parent_of(path)), errno);
  }
  known->durable = true;
  return known;
}

bool DirectoryCache::drop_if_stale(const std::string& path, const Handle& used) {
  if (path.empty()) return false;
  struct stat there {};
  const bool exists = fstatat(root_->fd.get(), path.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                      S_ISDIR(there.st_mode);
  struct stat open {};
  const bool same = used ? exists && fstat(used->fd.get(), &open) == 0 &&
                               there.st_dev == open.st_dev && there.st_ino == open.st_ino
                         : !exists;
  if (!same) drop_all();
  return !same;
}

void DirectoryCache::drop_all() {
  const std::lock_guard lock(mutex_);
  open_.clear();
}

}  // namespace salvor::backend
