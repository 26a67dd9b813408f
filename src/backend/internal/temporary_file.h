#pragma once

#include <string>

#include "backend/internal/directory_cache.h"

namespace salvor::backend {

/// A file in tmp/ of a repository, unlinked when it goes, unless released. It is locked (flock)
/// for as long as its writer lives: that is how others, on any host, know what is left over.
/// Threads: one.
class TemporaryFile {
 public:
  explicit TemporaryFile(DirectoryCache& directories);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();

  int fd() const { return file_.get(); }
  int directory() const { return directory_->fd.get(); }
  const std::string& name() const { return name_; }

  /// How many names the file has.
  std::uint64_t links() const;

  /// It has been renamed: nothing is to be unlinked.
  void release() { name_.clear(); }

  /// Removes every such file that no living writer holds, as far as that is possible.
  static void remove_leftovers(DirectoryCache& directories);

 private:
  bool try_create();

  DirectoryCache& directories_;
  DirectoryCache::Handle directory_;
  std::string name_;
  Fd file_;
};

}  // namespace salvor::backend
