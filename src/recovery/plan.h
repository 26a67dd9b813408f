#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "service/hooks.h"
#include "service/service.h"

/// What a restore or a drill will do: data, computed without touching anything (docs/recovery.md).
namespace salvor::recovery {

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
  std::optional<service::Writes> writes;
  std::optional<service::Migrate> migrate;
  std::vector<service::Rebuild> rebuilds;
  std::vector<service::Check> checks;
  std::vector<service::Reference> references;
  std::optional<service::Command> return_to_service;
  std::optional<service::Watch> watch;

  std::optional<std::int64_t> rpo_s;
  std::optional<std::int64_t> rto_s;
  std::string policy_sha256;  ///< of the service's configuration
  std::int64_t holders_wait_ms = 10'000;

  const StorePlan* find(std::string_view store) const;
};

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
