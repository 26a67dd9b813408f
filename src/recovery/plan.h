#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "recovery/step_id.h"
#include "repo/ids.h"
#include "service/hooks.h"
#include "service/service.h"
#include "stores/settings.h"

/// What a restore or a drill will do: data, computed without touching anything (docs/recovery.md).
/// A plan is shown, confirmed, written into the journal, and then carried out by execute(). What is
/// not in it, no step does.
namespace salvor::recovery {

/// One store of the plan. Its type may be one that this version does not know. A value.
struct StorePlan {
  std::string name;
  std::string type;
  std::string path;           ///< the text of its location
  stores::Settings settings;  ///< for its type; no other code reads it
  /// Paths within it that the snapshot lacks, and that stay with the live store.
  std::vector<std::string> lacking;
  bool lacks_more = false;  ///< the list is not complete
  /// Written over in place, instead of restored beside and exchanged.
  bool delta_in_place = false;
  /// Whether the store, as it is now, is backed up before.
  bool safety_snapshot = true;
};

/// A store of the service that stays as it is. Commands of a restore are told its path, too. A
/// value.
struct OtherStore {
  std::string name;
  std::string path;
};

/// Everything that carrying it out needs, but the repository. It goes into the journal, so that
/// another process can resume or undo the run. A value.
struct Plan : service::Procedure {
  service::Mode mode = service::Mode::restore;
  std::string run;
  std::string service;
  repo::PointId point;
  Time point_time;
  std::string directory;  ///< where commands run
  std::string staging;    ///< drills: a private directory, removed at the end
  /// Whether there is one at all: of those stores that want one.
  bool safety_snapshot = true;
  /// Live files are taken for unchanged by their bytes alone, not by size and times.
  bool compare_content = false;
  /// The application's commands that hold writes are not run.
  bool without_lock = false;
  std::string trigger;
  std::string confirmed_by;
  /// Whose points its safety snapshots are; empty: not known.
  std::string host;

  /// In the order in which they are restored: databases first.
  std::vector<StorePlan> stores;
  std::vector<OtherStore> others;

  std::optional<std::int64_t> rpo_s;
  std::optional<std::int64_t> rto_s;
  std::string policy_sha256;  ///< of the service's configuration
  std::int64_t holders_wait_ms = 10'000;

  /// Has the commands, checks and watch of `procedure` from now on.
  void set_procedure(const Procedure& procedure) { Procedure::operator=(procedure); }
  /// Null where the plan has no store of that name.
  const StorePlan* find(std::string_view store) const;
  /// The hexadecimal digits of the point; empty where nobody knows what the run was to restore.
  std::string point_text() const { return point.is_zero() ? "" : point.hex(); }
};

/// A step of a plan, for people who read it. A value.
struct PlanStep {
  StepId id;
  /// What it will do; of a step that is not run: its command.
  std::string what;
  bool can_be_undone = true;  ///< an undo brings back what was before this step
};
/// The steps of a plan, in order.
std::vector<PlanStep> steps_of(const Plan& plan);

/// The steps that a drill does not run, since they would act on the live service; empty for a
/// restore.
std::vector<PlanStep> steps_not_run(const Plan& plan);

/// The text that the journal keeps.
std::string to_json(const Plan& plan);

/// The reverse. Plans of earlier versions are read, too.
/// Errors: corruption: `json` is no plan.
Plan parse_plan(std::string_view json);

}  // namespace salvor::recovery
