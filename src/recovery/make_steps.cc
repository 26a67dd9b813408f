#include "base/error.h"
#include "recovery/internal/steps.h"

namespace salvor::recovery {
namespace {

std::unique_ptr<Step> make_step(const Plan& plan, const std::string& name) {
  if (name == "preflight") return internal::make_preflight();
  if (name == "lock-writes") return internal::make_lock_writes();
  if (name == "safety-snapshot") return internal::make_safety_snapshot();
  if (name == "provision") return internal::make_provision();
  if (name == "verify-copy") return internal::make_verify_copy();
  if (name == "migrate") return internal::make_migrate();
  if (name == "validate") return internal::make_validate();
  if (name == "cut-over") return internal::make_cut_over();
  if (name == "return-to-service") return internal::make_return_to_service();
  if (name == "validate-in-place") return internal::make_validate_in_place();
  if (name == "validate-live") return internal::make_validate_live();
  if (name == "watch") return internal::make_watch();
  if (name == "tear-down") return internal::make_tear_down();
  for (const StorePlan& store : plan.stores) {
    if (name == "restore-" + store.name) return internal::make_restore_store(store);
  }
  for (const service::Rebuild& rebuild : plan.rebuilds) {
    if (name == "rebuild-" + rebuild.name) return internal::make_rebuild(rebuild);
  }
  throw Error(ErrorCode::failed, "no step is called " + name);
}

}  // namespace

std::vector<std::unique_ptr<Step>> make_steps(const Plan& plan) {
  std::vector<std::unique_ptr<Step>> steps;
  for (const std::string& name : step_names(plan)) steps.push_back(make_step(plan, name));
  return steps;
}

}  // namespace salvor::recovery
