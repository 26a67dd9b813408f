#pragma once

#include "control/restore_in_place.h"
#include "recovery/execute.h"

namespace salvor::control::internal {

/// Looks at what was written since, for a second a store at most. Touches nothing.
/// `verb`: "undo", "close" or "abandon".   Errors: none: what can't be looked at is left out.
ContinuePreview preview_of(const recovery::RunHead& head, const std::string& verb,
                           recovery::StoreAccess& access);

}  // namespace salvor::control::internal
