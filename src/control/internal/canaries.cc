#include "control/internal/canaries.h"

#include "base/error.h"
#include "base/log.h"
#include "control/internal/store_types.h"
#include "repo/records.h"

namespace salvor::control::internal {

using recovery::Canary;

Canaries::Canaries(repo::Repository& repository, const ServiceConfig& service,
                   const std::vector<const StoreConfig*>& stores)
    : key_(repo::derive_secret(repository, recovery::kCanaryPurpose)) {
  for (const StoreConfig* store : stores) {
    const Time now = Clock::system().now();
    Planting& planting = plantings_.emplace_back();
    planting.canary.service = service.name;
    planting.canary.store = store->name;
    planting.canary.nonce = recovery::canary_nonce(Rng::system());
    planting.canary.time = format_time(now);
    if (store->canary()) plant(*store, planting, now);
  }
}

void Canaries::plant(const StoreConfig& store, Planting& planting, Time now) const {
  Canary& canary = planting.canary;
  try {
    plant_marker(store,
                 recovery::make_marker(key_, canary.service, canary.store, canary.nonce, now));
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
    const repo::Snapshot* snapshot = point.find(planting.canary.store);
    if (snapshot == nullptr) continue;
    Canary canary = planting.canary;
    canary.root = snapshot->root.hex();
    point.facts[recovery::canary_fact(canary.store)] = recovery::make_canary(key_, canary);
    if (!planting.problem.empty()) {
      point.facts["canary_problem." + canary.store] = planting.problem;
    }
  }
}

}  // namespace salvor::control::internal
