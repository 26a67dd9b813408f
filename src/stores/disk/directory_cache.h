#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/fd.h"

namespace salvor::stores::disk {

/// Open directories beneath a root, the most recently used ones: thousands of files in a row go
/// into the same few directories. Threads: any.   Lifetime: `root` must outlive it.
class DirectoryCache {
 public:
  explicit DirectoryCache(int root) : root_(root) {}

  /// The directory `path` (O_PATH), without following any symlink. Shared, because another thread
  /// may still use what the cache has dropped. Errors: corruption, when it does not exist or is no
  /// directory: a tree has the parents of all it holds.
  std::shared_ptr<const Fd> get(std::string_view path);

 private:
  struct Kept {
    std::string path;
    std::shared_ptr<const Fd> fd;
  };

  const int root_;
  std::mutex mutex_;
  std::list<Kept> kept_;  // most recently used first; guarded by mutex_, as is what follows
  std::unordered_map<std::string_view, std::list<Kept>::iterator> by_path_;
};

}  // namespace salvor::stores::disk
