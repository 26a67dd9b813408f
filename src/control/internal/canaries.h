#pragma once

#include <string>
#include <vector>

#include "control/config.h"
#include "recovery/canary.h"
#include "repo/repository.h"

namespace salvor::control::internal {

/// The canaries of one backup: planted before its stores are marked, stated in its point before it
/// is committed.   Threads: one.   Lifetime: shorter than the stores'.
class Canaries {
 public:
  /// Plants where the configuration says so. What can't be planted is warned about, and becomes a
  /// fact of the point: the backup goes on without.
  Canaries(repo::Repository& repository, const ServiceConfig& service,
           const std::vector<const StoreConfig*>& stores);

  /// Adds the statements about the snapshots of `point`.
  void state(repo::Point& point) const;

 private:
  struct Planting {
    recovery::Canary canary;
    std::string problem;
  };
  void plant(const StoreConfig& store, Planting& planting, Time now) const;

  Secret key_;
  std::vector<Planting> plantings_;
};

}  // namespace salvor::control::internal
