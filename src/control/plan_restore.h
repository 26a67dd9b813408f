#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "control/caller.h"
#include "control/drill.h"
#include "recovery/plan.h"
#include "recovery/space.h"
#include "repo/point.h"
#include "stores/target.h"

/// The verb `restore --plan`: what a restore in place would do.
namespace salvor::control {

/// What to restore in place, and how.
struct PlanRequest {
  std::string service;
  /// "latest", the id of a point or its beginning, or a time.
  std::string at = "latest";
  /// Empty: all stores of the point.
  std::vector<std::string> stores;
  /// Back up the live data first, except of the stores that are `unsaved`.
  bool safety_snapshot = true;
  std::vector<std::string> unsaved;
  /// Write what differs over the live data, instead of a copy beside it. A store that does not
  /// exist, or can't be written over, is restored beside as usual.
  bool in_place_delta = false;
  /// Read every live file; do not trust its size and times.
  bool compare_content = false;
  /// Do not run the application's commands that lock writes.
  bool without_lock = false;
};

/// One step of the plan, for people.
/// Units: seconds.
struct PlannedStep {
  std::string name;
  std::string what;
  std::optional<double> expected_s;  ///< from earlier runs
  bool can_be_undone = true;
};

/// What a store has now, and what the point would put in its place.
struct PlannedTarget {
  std::string store;
  std::string type;
  stores::TargetIdentity identity;
  std::uint64_t point_bytes = 0;
  std::uint64_t point_entries = 0;
};

/// All that should be known before a restore in place begins.
/// Units: seconds.
struct RestorePlanReport {
  recovery::Plan plan;
  repo::Point point;
  double lost_s = 0;  ///< the age of the point, never negative: what was written since is lost
  std::vector<PlannedTarget> targets;
  std::vector<recovery::FileSystemSpace> space;
  std::vector<PlannedStep> steps;
  std::optional<double> expected_s;         ///< until the service is back; empty: not known
  bool expected_is_least = false;           ///< steps that were never run are not in it
  std::vector<std::string> untouched;       ///< stores that the point does not have
  std::vector<std::string> warnings;        ///< what should be known before it begins
  std::optional<std::string> open_restore;  ///< a run that must be resumed or undone first
  std::string open_note;                    ///< that it is open, and what to do about it
  std::optional<DrillSummary> last_drill;   ///< the newest of the point, else of the service
  std::string undo;                         ///< what undo means, until when
  std::optional<Error> refusal;             ///< the guard that would stop it as things are
};

/// What a restore in place would do. Touches nothing.
/// Errors: not_found: service, point, store; configuration.
RestorePlanReport plan_restore(const config::Config& config, const PlanRequest& request,
                               const Caller& caller);

/// Keys are a contract: docs/cli.md.
std::string to_json(const RestorePlanReport& report);

}  // namespace salvor::control
