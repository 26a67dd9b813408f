#pragma once

#include <filesystem>
#include <mutex>
#include <optional>

#include "stores/disk/list_file.h"
#include "stores/replacement.h"

/// The files that a copy and the live store share as hard links of one inode, and when the last
/// link was made: whatever is written to one of them later shows in its change time.
namespace salvor::stores::files {

/// Writes the list, `shared` in the workplace. A list that was there stays until commit().
/// Threads: add() any.
class SharedList {
 public:
  explicit SharedList(std::filesystem::path workplace);

  void add(std::uint64_t inode, ByteView key, const Entry& entry);

  /// Puts the list in force, durably. What is written to a shared file after this returns has a
  /// later change time than the one that is noted; no link may be made after this was called.
  void commit();

 private:
  const std::filesystem::path workplace_;
  std::mutex mutex_;  // guards what follows
  disk::ListFileWriter out_;
};

/// Replacement::separate(). `live`: the tree that is to have again what it had.
/// Errors: as those of `rewrite`; no_space; failed.
std::uint64_t separate_shared(const std::filesystem::path& workplace,
                              const std::filesystem::path& live,
                              const Replacement::Rewrite& rewrite, Way way);

/// ReplacementState::has_written.
bool has_written(const std::filesystem::path& workplace);

}  // namespace salvor::stores::files
