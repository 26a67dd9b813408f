#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "control/caller.h"
#include "recovery/restore.h"
#include "repo/point.h"

/// The verb `restore --into`: restores beside, and touches nothing live.
namespace salvor::control {

/// What to restore beside, and where to.
struct RestoreRequest {
  std::string service;
  std::string into;                 ///< a directory; store s goes to into/s
  std::string at = "latest";        ///< latest, a point's id or its beginning, or a time
  std::vector<std::string> stores;  ///< empty: all of the point
  bool delta = false;
};

/// One store that was restored.
/// Units: seconds.
struct RestoredStore {
  std::string name;
  std::string type;
  std::string path;
  recovery::RestoreResult result;
  double duration_s = 0;
};

/// Where everything is now.
/// Units: seconds.
struct RestoreReport {
  std::string run;
  repo::Point point;
  std::vector<RestoredStore> stores;
  std::vector<std::string> notes;   ///< what should be known of the point
  std::vector<std::string> logged;  ///< what was warned as it happened
  double duration_s = 0;
};

/// Restores beside: touches nothing live, and nothing at all unless all of it can work.
/// Errors: not_found: service, point, store; refused: a target that has content (without delta),
///         that is or holds live data or the repository, or without enough space; corruption.
RestoreReport restore_into(const config::Config& config, const RestoreRequest& request,
                           const Caller& caller);

/// Keys are a contract: docs/cli.md.
std::string to_json(const RestoreReport& report);

}  // namespace salvor::control
