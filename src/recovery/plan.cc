#include "recovery/plan.h"

#include <algorithm>

namespace salvor::recovery {
namespace {

enum class Knows { no, yes };

/// The commands that change the restored data, of those that know of a copy or that do not.
void add_changes(const Plan& plan, Knows which, std::vector<std::string>& names) {
  const bool known = which == Knows::yes;
  if (plan.migrate && service::knows_of_copy(*plan.migrate) == known) names.emplace_back("migrate");
  for (const service::Rebuild& rebuild : plan.rebuilds) {
    if (service::knows_of_copy(rebuild) == known) names.push_back("rebuild-" + rebuild.name);
  }
}

/// Whether a check waits for the cut-over, and (`http`) for the service to be back.
bool has_late_check(const Plan& plan, bool http) {
  return std::any_of(plan.checks.begin(), plan.checks.end(), [&](const service::Check& check) {
    return !service::knows_of_copy(check) &&
           std::holds_alternative<service::HttpTest>(check.test) == http;
  });
}

void add_restore_of_stores(const Plan& plan, std::vector<std::string>& names) {
  names.emplace_back("provision");
  for (const StorePlan& store : plan.stores) names.push_back("restore-" + store.name);
  names.emplace_back("verify-copy");
  add_changes(plan, Knows::yes, names);
  names.emplace_back("validate");
}

}  // namespace

const StorePlan* Plan::find(std::string_view store) const {
  const auto found = std::find_if(stores.begin(), stores.end(),
                                  [&](const StorePlan& each) { return each.name == store; });
  return found == stores.end() ? nullptr : &*found;
}

std::vector<std::string> step_names(const Plan& plan) {
  std::vector<std::string> names{"preflight"};
  if (plan.mode == service::Mode::drill) {
    add_restore_of_stores(plan, names);
    names.emplace_back("tear-down");
    return names;
  }
  // Stores lock their writers also where the application has no command for it.
  names.emplace_back("lock-writes");
  if (plan.safety_snapshot) names.emplace_back("safety-snapshot");
  add_restore_of_stores(plan, names);
  names.emplace_back("cut-over");
  add_changes(plan, Knows::no, names);
  if (has_late_check(plan, false)) names.emplace_back("validate-in-place");
  names.emplace_back("return-to-service");
  if (has_late_check(plan, true)) names.emplace_back("validate-live");
  if (plan.watch) names.emplace_back("watch");
  return names;
}

std::vector<StepNotRun> steps_not_run(const Plan& plan) {
  std::vector<StepNotRun> steps;
  if (plan.mode != service::Mode::drill) return steps;
  if (plan.migrate && !service::knows_of_copy(*plan.migrate)) {
    steps.push_back({"migrate", plan.migrate->run.run});
  }
  for (const service::Rebuild& rebuild : plan.rebuilds) {
    if (!service::knows_of_copy(rebuild))
      steps.push_back({"rebuild-" + rebuild.name, rebuild.run.run});
  }
  return steps;
}

}  // namespace salvor::recovery
