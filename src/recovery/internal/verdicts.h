#pragma once

#include "recovery/step.h"

namespace salvor::recovery::internal {

/// Keeps the outcomes for the run's report. In a restore those that are not good end it; a drill
/// goes on, to find all of them.
/// Errors: checks_failed, naming each.
void judge(RunContext& context, std::vector<CheckOutcome> outcomes);

/// Of its name, also of one that an earlier version wrote; an unknown one was not run.
Verdict verdict_of(std::string_view name);

/// For the journal.
std::string json_of(const std::vector<CheckOutcome>& outcomes);

/// Errors: corruption.
std::vector<CheckOutcome> outcomes_of(std::string_view json);

}  // namespace salvor::recovery::internal
