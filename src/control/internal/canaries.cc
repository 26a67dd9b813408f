#include "control/internal/canaries.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "repo/records.h"

namespace salvor::control::internal {

using checks::Canary;

Canaries::Canaries(repo::Repository& repository, const service::Service& service,
                   const std::vector<const service::Store*>& stores, const Baselines& before)
    : key_(repo::derive_secret(repository, checks::kCanaryPurpose)) {
  for (const service::Store* store : stores) {
    const Time now = Clock::system().now();
    Planting& planting = plantings_.emplace_back();
    planting.canary.service = service.name;
    planting.canary.store = store->name;
    planting.canary.nonce = checks::canary_nonce(Rng::system());
    planting.canary.time = format_time(now);
    const Baselines::Baseline* baseline = before.find(store->name);
    const bool is_expected = baseline != nullptr && baseline->has_marker;
    if (store->canary()) plant(*store, planting, now, is_expected);
  }
}

bool Canaries::is_there(const service::Store& store, const std::string& service) const {
  const auto marker = store.type->live(store.settings, {})->marker({});
  return marker && checks::is_marker_of(key_, *marker, service, store.name);
}

void Canaries::plant(const service::Store& store, Planting& planting, Time now,
                     bool is_expected) const {
  Canary& canary = planting.canary;
  try {
    if (is_expected && !is_there(store, canary.service)) {
      planting.is_suspect = true;
      throw Error(ErrorCode::not_found, "the canary of the previous backup is missing");
    }
    store.type->plant(store.settings,
                      checks::make_marker(key_, canary.service, canary.store, canary.nonce, now));
    canary.planted = Canary::Planted::yes;
  } catch (const Error& error) {
    canary.planted = Canary::Planted::failed;
    planting.problem = error.message();
    log::warning("store {}: no canary could be planted, so drills can't look for it: {}",
                 store.name, error.message());
  }
}

void Canaries::state(repo::Point& point) const {
  for (const Planting& planting : plantings_) {
    const auto snapshot = std::find_if(
        point.snapshots.begin(), point.snapshots.end(),
        [&](const repo::Snapshot& each) { return each.store == planting.canary.store; });
    if (snapshot == point.snapshots.end()) continue;
    Canary canary = planting.canary;
    canary.root = snapshot->root.hex();
    point.facts[checks::canary_fact(canary.store)] = checks::make_canary(key_, canary);
    if (!planting.problem.empty()) {
      point.facts["canary_problem." + canary.store] = planting.problem;
    }
    if (planting.is_suspect) {
      snapshot->suspicions.emplace_back(
          "the canary of the previous backup is missing: this may be another store");
    }
  }
}

}  // namespace salvor::control::internal
