#pragma once

#include "recovery/plan.h"

/// The commands, checks and probes of a plan, beside those of the configuration of now.
namespace salvor::recovery::internal {

/// Which of them differ, by name: "writes.lock", "check front page". Empty: none.
std::vector<std::string> differing_commands(const Plan& plan, const Plan& now);

/// What a migration and rebuilds become of which the plan and the configuration do not agree.
struct StepRules {
  std::vector<StepId> kept;  ///< steps that stay though the configuration has none such
  bool new_ones = false;     ///< steps that only the configuration has are added
};

/// `plan` with the commands of `now`.
Plan with_commands_of(const Plan& plan, const Plan& now, const StepRules& rules);

}  // namespace salvor::recovery::internal
