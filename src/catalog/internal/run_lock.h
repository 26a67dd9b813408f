#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/process_identity.h"

namespace salvor::catalog::internal {

/// Says that this process carries a run out: the file runs/RUN beside the catalog, which names
/// itself (device and inode) and the process, and is locked by it. The kernel drops the lock with
/// the process, however that ends, and children do not have it. Process ids and their namespaces
/// do not matter while it is held.
/// Threads: one.   Lifetime: the lock goes with the object; the file stays until end().
class RunLock {
 public:
  /// Errors: conflict: another process carries the run out; those of opening a file.
  RunLock(const std::filesystem::path& directory, const std::string& run);

  /// The run has ended: removes the file.
  void end();

 private:
  std::filesystem::path path_;
  Fd fd_;
};

/// Whether a process that has noted its identity with a run still carries it out, as far as the
/// run's lock tells it. While the lock is held the run lives, whoever noted what. Where it is not
/// held, the process that the file names is dead, if it was of this boot of this machine and does
/// not run as far as can be seen. Empty: nothing can be said: there is no file, it is a copy, or
/// it names another process.
std::optional<Liveness> liveness_by_lock(const std::filesystem::path& directory,
                                         std::string_view run, std::string_view process);

/// Removes what a process has left that was killed.
void remove_lock(const std::filesystem::path& directory, std::string_view run);

}  // namespace salvor::catalog::internal
