#pragma once

#include <string>

#include "control/plan_restore.h"
#include "control/restore_into.h"

namespace salvor::control::internal {

/// What a command line says of a restore besides its service and its point, for hints that name the
/// whole command: " --only db --in-place-delta". Each option has a blank before it.
std::string options_of(const PlanRequest& request);
std::string options_of(const RestoreRequest& request);

/// The point as it was asked for: " --at 499147ab"; empty for the latest.
std::string at_of(const std::string& at);

}  // namespace salvor::control::internal
