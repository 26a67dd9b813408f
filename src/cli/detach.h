#pragma once

#include <functional>
#include <string>

#include "cli/invocation.h"
#include "control/caller.h"

namespace salvor::cli {

using BeginsRun = std::function<void(const std::string& run)>;

/// Carries something out in a process of its own, without terminal, that goes on when this one has
/// ended; what it prints goes to a file in the state directory. Waits until it says that its run
/// has begun, and prints which; when it ends before, prints what it printed. Threads: to be called
/// before any other thread is begun. Returns the exit status.
int detached(Invocation& invocation, const control::Config& config,
             const std::function<int(const BeginsRun&)>& carry_out);

}  // namespace salvor::cli
