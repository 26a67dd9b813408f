#pragma once

#include "recovery/internal/step.h"

namespace salvor::recovery::internal {

/// Keeps the outcomes for the run's report. In a restore those that are not good end it; a drill
/// goes on, to find all of them.
/// Errors: checks_failed, naming each.
void judge(RunContext& context, std::vector<checks::CheckOutcome> outcomes);

}  // namespace salvor::recovery::internal
