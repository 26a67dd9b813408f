#include "control/internal/make_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "control/internal/choose_point.h"
#include "control/internal/policy.h"

namespace salvor::control::internal {
namespace {

std::vector<recovery::StorePlan> stores_of(const service::Service& service,
                                           const repo::Point& point, const PlanRequest& request) {
  std::vector<recovery::StorePlan> plans;
  for (const service::Store* chosen : service.chosen_stores(request.stores)) {
    const service::Store& store = *chosen;
    // A store that is newer than the point stays as it is; the plan says so.
    if (request.stores.empty() && point.find(store.name) == nullptr) continue;
    const repo::Snapshot& found = find_snapshot(point, store.name);
    if (found.type != store.type->name()) {
      throw Error(ErrorCode::configuration,
                  fmt::format("store {} is of type {} in the configuration, and was of type {} in "
                              "recovery point {}",
                              store.name, store.type->name(), found.type, point.id.hex()),
                  "restore it beside with --into, and move it into place yourself");
    }
    recovery::StorePlan plan;
    plan.name = store.name;
    plan.type = store.type->name();
    plan.path = store.location().text;
    plan.settings = store.settings;
    for (const repo::Missing& missing : found.missing) {
      plan.lacking.push_back(stores::path_of_key(missing.key));
    }
    plan.lacks_more = found.missing_more != 0;
    const auto& unsaved = request.unsaved;
    plan.safety_snapshot = request.safety_snapshot &&
                           std::find(unsaved.begin(), unsaved.end(), store.name) == unsaved.end();
    const auto target = store.type->live(store.settings, {});
    // A store that does not exist has no live data to write over: restore it beside, as usual.
    plan.delta_in_place =
        request.in_place_delta && target->over() != nullptr && target->identify(0).exists;
    plans.push_back(std::move(plan));
  }
  return plans;
}

/// Restoring only some stores mixes two times, so somebody has to ask for it.
void require_stores_named(const service::Service& service, const repo::Point& point,
                          const PlanRequest& request) {
  if (!point.is_partial() || !request.stores.empty()) return;
  std::string only;
  std::string lacking;
  for (const service::Store& store : service.stores) {
    if (point.find(store.name) != nullptr) {
      only += " --only " + store.name;
    } else {
      lacking += (lacking.empty() ? "" : ", ") + store.name;
    }
  }
  if (lacking.empty()) return;
  throw Error(ErrorCode::refused,
              fmt::format("recovery point {} has only some of the stores: {} would stay as it is",
                          point.id.hex(), lacking),
              "choose another point with --at, or name the stores to restore:" + only);
}

}  // namespace

recovery::Plan make_plan(const config::Config& config, const service::Service& service,
                         const repo::Point& point, service::Mode mode, const PlanRequest& request) {
  service.require_stores(request.stores);
  service.require_stores(request.unsaved);
  if (mode == service::Mode::restore) require_stores_named(service, point, request);
  recovery::Plan plan;
  plan.mode = mode;
  plan.service = service.name;
  plan.compare_content = request.compare_content;
  plan.stores = stores_of(service, point, request);
  plan.safety_snapshot = std::any_of(plan.stores.begin(), plan.stores.end(),
                                     [](const auto& store) { return store.safety_snapshot; });
  if (plan.stores.empty()) {
    throw Error(ErrorCode::not_found,
                fmt::format("recovery point {} has none of the stores of service {}",
                            point.id.hex(), service.name),
                "`salvor points` says what each point has");
  }
  for (const service::Store& store : service.stores) {
    if (plan.find(store.name) == nullptr) {
      plan.others.push_back({store.name, store.location().text});
    }
  }
  plan.directory = config.file.parent_path().native();
  plan.set_procedure(service);
  if (request.without_lock) plan.writes.reset();
  plan.without_lock = request.without_lock;
  plan.holders_wait_ms = config.holders_wait_s * 1000;
  plan.rpo_s = service.rpo_s;
  plan.rto_s = service.rto_s;
  plan.policy_sha256 = policy_sha256(service);
  plan.host = config.host;
  plan.point = point.id;
  plan.point_time = point.time;
  return plan;
}

}  // namespace salvor::control::internal
