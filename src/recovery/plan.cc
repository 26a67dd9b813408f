#include "recovery/plan.h"

#include <algorithm>

namespace salvor::recovery {

const StorePlan* Plan::find(std::string_view store) const {
  const auto found = std::find_if(stores.begin(), stores.end(),
                                  [&](const StorePlan& each) { return each.name == store; });
  return found == stores.end() ? nullptr : &*found;
}

std::vector<PlanStep> steps_not_run(const Plan& plan) {
  std::vector<PlanStep> steps;
  if (plan.mode != service::Mode::drill) return steps;
  if (plan.migrate && !service::knows_of_copy(*plan.migrate)) {
    steps.push_back({StepKind::migrate, plan.migrate->run.run});
  }
  for (const service::Rebuild& rebuild : plan.rebuilds) {
    if (service::knows_of_copy(rebuild)) continue;
    steps.push_back({{StepKind::rebuild, rebuild.name}, rebuild.run.run});
  }
  return steps;
}

}  // namespace salvor::recovery
