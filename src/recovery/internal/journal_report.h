#pragma once

#include "recovery/execute.h"

/// What a journal tells of its run.
namespace salvor::recovery::internal {

/// How a run stands, as far as its journal tells. `plan` may have no stores where the journal can't
/// say whose run it is: then its steps are not known.
RunOutcome outcome_in(const Journal& journal, const Plan& plan, RunState state);

/// The newest outcomes of each step that checks, also of one that has failed.
std::vector<checks::CheckOutcome> checks_in(const Journal& journal);

/// The ids of the safety snapshots that the run has taken.
std::vector<repo::PointId> safety_points_in(const Journal& journal);

/// The plan, with the commands that it has now.   Errors: not_found: there is none; corruption.
Plan plan_in(const Journal& journal, const std::string& run);

/// A run's state, when nobody carries it out.
RunState state_in(const Journal& journal);

}  // namespace salvor::recovery::internal
