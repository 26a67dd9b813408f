#include "base/error.h"
#include "recovery/internal/step.h"

namespace salvor::recovery::internal {

const repo::Snapshot& RunContext::snapshot(const StorePlan& store) const {
  if (const repo::Snapshot* found = point.find(store.name)) return *found;
  throw Error(ErrorCode::not_found,
              "recovery point " + plan.point_text() + " has no store " + printable(store.name),
              "choose another point with --at");
}

stores::Target& RunContext::live_of(const StorePlan& store) {
  auto& target = live[store.name];
  if (!target) target = access.live(store);
  return *target;
}

stores::Replacement& RunContext::replacement_of(const StorePlan& store) {
  auto& replacement = replacements[store.name];
  if (!replacement) replacement = live_of(store).replacement(plan.run, store.name);
  return *replacement;
}

stores::Location RunContext::copy_location(const StorePlan& store) {
  if (plan.mode == service::Mode::drill) {
    return access.copy_within(store, repository, snapshot(store),
                              std::filesystem::path(plan.staging) / store.name);
  }
  return store.delta_in_place ? live_of(store).location() : replacement_of(store).copy();
}

stores::Target& RunContext::copy_of(const StorePlan& store) {
  const stores::Location at = copy_location(store);
  auto& target = copies[store.name];
  // After the cut-over the copy is somewhere else.
  if (!target || target->location() != at) target = access.copy(store, at);
  return *target;
}

const service::HookContext& RunContext::hook_context() {
  hooks.store_paths.clear();
  for (const StorePlan& store : plan.stores) {
    hooks.store_paths[store.name] = copy_location(store).text;
  }
  // A command of a drill must find no live data, whatever it looks for.
  for (const OtherStore& store : plan.others) {
    hooks.store_paths[store.name] = plan.mode == service::Mode::drill
                                        ? plan.staging + "/not-restored/" + store.name
                                        : store.path;
  }
  return hooks;
}

service::HookOutcome RunContext::hook(const service::Command& command, const std::string& what) {
  return service::run_hook(command.run, hook_context(), command.timeout_s, stop, what);
}

bool RunContext::ask(const service::Command& command, const std::string& what) {
  return service::answer_of(hook(command, what), what);
}

checks::CheckSubjects RunContext::subjects() {
  checks::CheckSubjects subjects;
  subjects.context = hook_context();
  for (const StorePlan& store : plan.stores) subjects.stores[store.name] = &copy_of(store);
  return subjects;
}

}  // namespace salvor::recovery::internal
