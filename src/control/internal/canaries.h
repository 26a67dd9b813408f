#pragma once

#include <string>
#include <vector>

#include "checks/canary.h"
#include "control/internal/baseline.h"
#include "repo/repository.h"
#include "service/service.h"

namespace salvor::control::internal {

/// The canaries of one backup: planted before its stores are marked, stated in its point before it
/// is committed.   Threads: one.   Lifetime: shorter than the stores'.
class Canaries {
 public:
  /// Plants where the configuration says so. What can't be planted is warned about, and becomes a
  /// fact of the point: the backup goes on without. Where the marker of the backup before is gone,
  /// none is planted: it would prove nothing, and the store may be another one.
  Canaries(repo::Repository& repository, const service::Service& service,
           const std::vector<const service::Store*>& stores, const Baselines& before);

  /// Adds the statements about the snapshots of `point`, and the suspicions.
  void state(repo::Point& point) const;

 private:
  struct Planting {
    checks::Canary canary;
    std::string problem;
    bool is_suspect = false;
  };
  void plant(const service::Store& store, Planting& planting, Time now, bool is_expected) const;
  bool is_there(const service::Store& store, const std::string& service) const;

  Secret key_;
  std::vector<Planting> plantings_;
};

}  // namespace salvor::control::internal
