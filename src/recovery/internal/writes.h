#pragma once

#include <functional>

#include "recovery/internal/step.h"

/// Keeping writers out of a service, and letting them in again.
namespace salvor::recovery::internal {

/// Whether the application says that its writes are locked; empty where it can't be asked.
std::optional<bool> application_is_locked(RunContext& context);

/// Locks the application, unless it says that it is locked, and asks it.
/// Errors: failed: the command fails; refused: it succeeds, and nothing is locked.
void lock_application(RunContext& context);
void unlock_application(RunContext& context);

/// Errors: refused: it says that it is not locked any more, and what is written would go with the
/// old data, unsaid.
void require_still_locked(RunContext& context);

/// Locks every live store that can be locked, and tries to write to it.
/// Errors: conflict: who holds it; refused: it lets itself be written to.
void lock_stores(RunContext& context);
void unlock_stores(RunContext& context);

/// Lets a command write to the stores that are live by now; the application stays locked out by its
/// own command. Locks them again after it.
void with_stores_open(RunContext& context, const std::function<void()>& act);

/// Waits until no process has a live store open for writing that can't be locked.
/// Errors: refused, naming the processes.
void require_no_writers(RunContext& context);

}  // namespace salvor::recovery::internal
