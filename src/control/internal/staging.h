#pragma once

#include <filesystem>
#include <string>

#include "base/fd.h"
#include "config/config.h"

namespace salvor::control::internal {

/// Where a restore or a drill puts what need not outlive it: the state directory; or, where nothing
/// can be written there (it is full, read-only or another user's), a directory of this user's alone
/// in $TMPDIR or /var/tmp, with a warning. Who must restore has no time to mend it first.
/// Errors: failed, no_space: nothing can be written there, either; refused: others can.
std::filesystem::path work_place(const config::Config& config);

/// The private directory of one drill, locked for as long as its process lives. A drill that was
/// killed leaves its directory, and the next one removes it.
/// Threads: one.   Lifetime: the directory goes with the object, with all in it.
class Staging {
 public:
  /// Makes `root`/`run` (0700), and removes what drills whose process is dead have left in `root`.
  /// Errors: refused: others may write to `root`; conflict: the directory exists; no_space; failed.
  Staging(const std::filesystem::path& root, const std::string& run);
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging();

  const std::filesystem::path& path() const { return path_; }

  /// Removes it; nothing when it is gone.   Errors: failed.
  void remove();

 private:
  std::filesystem::path path_;
  Fd lock_;
};

}  // namespace salvor::control::internal
