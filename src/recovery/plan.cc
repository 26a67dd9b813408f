#include "recovery/plan.h"

#include <algorithm>

namespace salvor::recovery {
namespace {

void add_restore_of_stores(const Plan& plan, std::vector<std::string>& names) {
  names.emplace_back("provision");
  for (const StorePlan& store : plan.stores) names.push_back("restore-" + store.name);
  names.emplace_back("verify-copy");
  if (plan.migrate) names.emplace_back("migrate");
  for (const RebuildPlan& rebuild : plan.rebuilds) names.push_back("rebuild-" + rebuild.name);
  names.emplace_back("validate");
}

bool asks_live_service(const Plan& plan) {
  return std::any_of(plan.checks.begin(), plan.checks.end(), [](const Check& check) {
    return std::holds_alternative<HttpTest>(check.test);
  });
}

}  // namespace

const StorePlan* Plan::find(std::string_view store) const {
  const auto found = std::find_if(stores.begin(), stores.end(),
                                  [&](const StorePlan& each) { return each.name == store; });
  return found == stores.end() ? nullptr : &*found;
}

std::vector<std::string> step_names(const Plan& plan) {
  std::vector<std::string> names{"preflight"};
  if (plan.mode == Mode::drill) {
    add_restore_of_stores(plan, names);
    names.emplace_back("tear-down");
    return names;
  }
  // Stores lock their writers also where the application has no command for it.
  names.emplace_back("lock-writes");
  if (plan.safety_snapshot) names.emplace_back("safety-snapshot");
  add_restore_of_stores(plan, names);
  names.emplace_back("cut-over");
  names.emplace_back("return-to-service");
  if (asks_live_service(plan)) names.emplace_back("validate-live");
  if (plan.watch) names.emplace_back("watch");
  return names;
}

}  // namespace salvor::recovery
