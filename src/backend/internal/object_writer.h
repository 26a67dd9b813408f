#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "backend/internal/directory_cache.h"
#include "backend/local.h"

namespace salvor::backend {

/// Brings files to their names whole and durable, or not at all.
/// Threads: any.   Lifetime: shorter than its DirectoryCache's.
class ObjectWriter {
 public:
  ObjectWriter(DirectoryCache& directories, Placing first);

  /// Writes `name`, whose directory is `directory`. The content is durable before the name is
  /// there; the name is durable when this returns, also when the object exists. Empty when the
  /// directory was removed meanwhile.
  /// Errors: no_space; unreachable; failed, when something that is no object has the name, or when
  /// the file system can do none of the ways of Placing.
  std::optional<PutResult> put(const DirectoryCache::Directory& directory, const std::string& name,
                               ByteView bytes);

  /// Looks whether an object could be put: whether this user may write to the directories that
  /// there are, and whether a file of one block can be written. Leaves nothing behind. Errors: as
  /// put(), where nothing can be put.
  void try_out();

  /// Removes from tmp/ what no living writer holds. What can't be removed stays: a repository that
  /// can only be read can be opened too.
  void remove_leftovers();

 private:
  enum class Outcome { created, exists, gone, unsupported };
  struct Target {
    int directory;
    std::string leaf;
    std::string full_path;
  };

  Outcome put_unnamed(const Target& target, ByteView bytes);
  Outcome put_named(const Target& target, ByteView bytes);

  DirectoryCache& directories_;
  std::atomic<Placing> placing_;
};

/// Whether `leaf` is an object: a regular file. Its size in bytes; empty when it is not there.
std::optional<std::uint64_t> object_size(const DirectoryCache::Directory& directory,
                                         const std::string& leaf, const std::string& full_path);

}  // namespace salvor::backend
