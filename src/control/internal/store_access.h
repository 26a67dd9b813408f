#pragma once

#include <memory>
#include <string>

#include "config/config.h"
#include "recovery/store_access.h"

namespace salvor::control::internal {

/// What a plan keeps of a store's configuration, and back: a journal is carried out without the
/// configuration that it was made from. `snapshot`: what is restored; what it lacks is kept, too.
std::string settings_of(const config::StoreConfig& store, const repo::Snapshot& snapshot);

/// Errors: corruption: not what settings_of() makes; configuration: an unknown type.
config::StoreConfig store_of(const recovery::StorePlan& plan);

/// The stores that this version knows. `config`: for the spool directory, and for what must not lie
/// in a store.   Lifetime: shorter than the configuration's.
std::unique_ptr<recovery::StoreAccess> make_store_access(
    const config::Config& config, const stores::ReplacementFaults& faults = {});

}  // namespace salvor::control::internal
