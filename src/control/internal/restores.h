#pragma once

#include <string>
#include <vector>

#include "control/internal/logbook.h"
#include "recovery/execute.h"

namespace salvor::control::internal {

/// The restores in place of a service that this machine knows to have succeeded, closed ones too,
/// the newest first. Without a catalog: none. `repository`: the id of the one that they are of.
std::vector<catalog::RunRow> restores_in_place(Logbook& logbook, const std::string& service,
                                               const std::string& repository);

/// The state that the catalog has for that of a restore in place: it knows no abandoned ones.
catalog::RunState state_in_catalog(catalog::RunState state);

/// What the catalog has as the error of such a run: its failure, or the step that failed last; and
/// that it was abandoned. Empty: nothing of that.
std::string error_of(const recovery::RunOutcome& outcome);

}  // namespace salvor::control::internal
