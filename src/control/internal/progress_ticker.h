#pragma once

#include <functional>
#include <thread>

#include "backup/progress.h"
#include "control/caller.h"

namespace salvor::control::internal {

/// Tells the caller about 5 times a second how far a phase is, from a thread of its own.
/// Lifetime: the destructor ends the thread; `read` must be callable until then.
class ProgressTicker {
 public:
  using Read = std::function<PhaseProgress()>;
  ProgressTicker(const Caller& caller, Read read);

 private:
  std::jthread thread_;
};

/// What backup and restore count.
PhaseProgress phase_of(std::string phase, const backup::Progress& progress);

}  // namespace salvor::control::internal
