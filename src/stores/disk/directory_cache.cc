#include "stores/disk/directory_cache.h"

#include <fcntl.h>

#include <cerrno>

#include "base/error.h"
#include "stores/disk/beneath.h"

namespace salvor::stores::disk {
namespace {

constexpr std::size_t kKeptMax = 128;

Fd open_directory(int root, std::string_view path) {
  Fd fd = open_beneath(root, path, O_PATH | O_DIRECTORY);
  if (fd) return fd;
  const int error = errno;
  if (error == ENOENT) {
    throw Error(ErrorCode::corruption,
                "found no directory " + printable(path) + ", expected it before what it holds",
                "run salvor verify --data");
  }
  if (error == ENOTDIR || error == ELOOP) {
    throw Error(ErrorCode::corruption,
                "found something else at " + printable(path) + ", expected a directory",
                "make sure that nobody else writes to the target, and run salvor verify --data");
  }
  throw_system_error("cannot open directory", path, error);
}

}  // namespace

std::shared_ptr<const Fd> DirectoryCache::get(std::string_view path) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_path_.find(path);
    if (found != by_path_.end()) {
      kept_.splice(kept_.begin(), kept_, found->second);
      return found->second->fd;
    }
  }
  auto opened = std::make_shared<const Fd>(open_directory(root_, path));
  const std::lock_guard lock(mutex_);
  if (by_path_.contains(path)) return opened;  // another thread was faster
  kept_.push_front({std::string(path), opened});
  by_path_.emplace(kept_.front().path, kept_.begin());
  if (kept_.size() > kKeptMax) {
    by_path_.erase(kept_.back().path);
    kept_.pop_back();
  }
  return opened;
}

}  // namespace salvor::stores::disk
