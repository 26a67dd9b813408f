#pragma once

#include <map>
#include <string>

#include "control/internal/choose_point.h"
#include "repo/repository.h"

namespace salvor::control::internal {

/// What the next snapshot of each store is measured by.   Lifetime: a value.
struct Baselines {
  struct Baseline {
    repo::Snapshot snapshot;
    bool has_marker = false;  ///< the store held the marker of that backup
  };
  std::map<std::string, Baseline> stores;
  bool has_points = false;  ///< the service has some, of whatever host

  const Baseline* find(const std::string& store) const;
};

/// For each store, its snapshot in the last good or accepted point of the service, or in the point
/// that was restored in place since. Errors: none: what can't be read of earlier restores is warned
/// about, and does not count.
Baselines find_baselines(repo::Repository& repository, const Owner& owner);

}  // namespace salvor::control::internal
