#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/fd.h"

namespace salvor::backend {

/// The open directories below one root, so that an object is reached by one system call from a
/// descriptor instead of by walking its path. Paths are the directory parts of valid object names;
/// the empty path is the root. Symbolic links below the root are never followed.
/// Threads:  any.
/// Lifetime: a Handle stays good for as long as it is held, also when the cache has dropped it.
class DirectoryCache {
 public:
  struct Directory {
    Fd fd;
    /// Whether it is known that its name would survive a loss of power.
    std::atomic<bool> durable{false};
  };
  /// Shared, because the cache may drop a directory that another thread is using.
  using Handle = std::shared_ptr<Directory>;

  /// `location`: of the root, for messages. At most `directories_max` are kept open.
  DirectoryCache(Fd root, std::string location, std::size_t directories_max = 300);

  /// Null when there is no such directory.   Errors: failed, when a symbolic link is in the way.
  Handle find(const std::string& path);

  /// Creates what is missing, 0700, and makes its name durable before it returns. Null when a
  /// parent was removed meanwhile: then try again.   Errors: failed, when something else is in the
  /// way; no_space.
  Handle make(const std::string& path);

  /// Somebody may have removed or replaced a directory (by a copy of the repository, say). When
  /// `used`, a result of find(path) or make(path), is not what lies at `path` now, forgets all that
  /// is open and returns true: then try again.
  bool drop_if_stale(const std::string& path, const Handle& used);

  /// For messages: the place of `name`, raw.
  std::string full_path(const std::string& name) const;

 private:
  Handle lookup(const std::string& path);
  void drop_all();
  Handle keep(const std::string& path, Fd fd);
  Handle open_below(const Directory& parent, const std::string& path);

  const std::string location_;
  const std::size_t directories_max_;
  const Handle root_;
  std::mutex mutex_;
  std::map<std::string, Handle> open_;  ///< guarded by mutex_
};

}  // namespace salvor::backend
