#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "checks/checks.h"

/// What a restore or a drill will do: data, computed without touching anything (docs/recovery.md).
namespace salvor::recovery {

struct Command {
  std::string run;
  std::int64_t timeout_s = 0;
};

/// One store of the plan. `settings` is for the code that knows the type; nobody else reads it.
struct StorePlan {
  std::string name;
  std::string type;
  std::string path;      ///< the live place
  std::string settings;  ///< JSON
  bool delta_in_place = false;
  bool safety_snapshot = true;
};

/// A store of the service that stays as it is.
struct OtherStore {
  std::string name;
  std::string path;
};

struct WritesPlan {
  Command lock;
  Command unlock;
  std::optional<Command> locked;
};

/// `isolated`: its owner says that it acts on nothing that is live.
struct MigratePlan {
  std::optional<Command> needed;
  Command run;
  bool isolated = false;
};

struct RebuildPlan {
  std::string name;
  Command run;
  bool isolated = false;
};

struct WatchPlan {
  std::int64_t duration_s = 0;
  std::int64_t every_s = 0;
  std::int64_t failures_max = 0;
  std::vector<checks::Check> probes;
};

/// A value. Everything that carrying it out needs, but the repository; it goes into the journal.
struct Plan {
  service::Mode mode = service::Mode::restore;
  std::string run;
  std::string service;
  std::string point;  ///< hexadecimal
  Time point_time;
  std::string directory;         ///< where commands run
  std::string staging;           ///< drills: a private directory, removed at the end
  bool safety_snapshot = true;   ///< of those stores that want one
  bool compare_content = false;  ///< live files are taken for unchanged by their bytes alone
  bool without_lock = false;     ///< the application's commands that hold writes are not run
  std::string trigger;
  std::string confirmed_by;
  std::string host;  ///< whose points its safety snapshots are; empty: not known

  std::vector<StorePlan> stores;  ///< databases first
  std::vector<OtherStore> others;
  std::optional<WritesPlan> writes;
  std::optional<MigratePlan> migrate;
  std::vector<RebuildPlan> rebuilds;
  std::vector<checks::Check> checks;
  std::vector<checks::Reference> references;
  std::optional<Command> return_to_service;
  std::optional<WatchPlan> watch;

  std::optional<std::int64_t> rpo_s;
  std::optional<std::int64_t> rto_s;
  std::string policy_sha256;  ///< of the service's configuration
  std::int64_t holders_wait_ms = 10'000;

  const StorePlan* find(std::string_view store) const;
};

/// Whether its commands may run while the restored data is a copy: each mentions it, or its owner
/// says that it is isolated. Others act on the live service: a drill does not run them, a restore
/// in place runs them after the cut-over.
bool knows_of_copy(const MigratePlan& migrate);
bool knows_of_copy(const RebuildPlan& rebuild);

/// The names of its steps, in order.
std::vector<std::string> step_names(const Plan& plan);

/// A step that a drill does not run, since it would act on the live service.
struct StepNotRun {
  std::string name;
  std::string command;
};
std::vector<StepNotRun> steps_not_run(const Plan& plan);

std::string to_json(const Plan& plan);

/// Errors: corruption, when `json` is not what to_json() makes.
Plan parse_plan(std::string_view json);

}  // namespace salvor::recovery
