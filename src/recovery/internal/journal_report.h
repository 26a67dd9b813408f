#pragma once

#include "recovery/execute.h"

/// What a journal tells of its run.
namespace salvor::recovery::internal {

/// Every step of the plan, as it stands.
std::vector<StepOutcome> steps_in(const Journal& journal, const Plan& plan);

/// The newest outcomes of each step that checks, also of one that has failed.
std::vector<checks::CheckOutcome> checks_in(const Journal& journal);

/// All that was not as it should be, in order.
std::vector<std::string> deviations_in(const Journal& journal);

/// From the run's beginning until its last step was done, without watch and tear-down; pauses
/// count, as they do for those who wait. Units: seconds, at least those of the steps.
double recovery_seconds_in(const Journal& journal);

/// What a run that was abandoned has left where, a line each; empty for every other one.
std::vector<std::string> left_in(const Journal& journal);

std::vector<repo::PointId> safety_points_in(const Journal& journal);

/// The plan, with the commands that it has now.   Errors: not_found: there is none; corruption.
Plan plan_in(const Journal& journal, const std::string& run);

/// A run's state, when nobody carries it out.
RunState state_in(const Journal& journal);

}  // namespace salvor::recovery::internal
