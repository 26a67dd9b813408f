#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "backup/progress.h"
#include "checks/checks.h"
#include "checks/watch.h"
#include "recovery/journal.h"
#include "recovery/plan.h"
#include "recovery/store_access.h"

/// Carries out plans.
namespace salvor::recovery {

struct ExecuteOptions {
  Clock* clock = &Clock::system();
  std::stop_token stop;
  backup::Progress* progress = nullptr;
  catalog::Catalog* catalog = nullptr;
  std::function<void(const Plan& plan)> on_begin;  ///< it is this process's to carry out
  std::function<void(const std::string& step, std::size_t number, std::size_t count)> on_step;
  std::function<void(const std::string& line)> say;
  checks::Baseline baseline;  ///< for the watch; empty: not known
  KillPoint kill_point;
  std::optional<Error> no_safety_snapshot = {};  ///< why none may be taken; empty: it may
  bool takeover = false;                         ///< go on with a run of another host

  /// A plan with the commands that the configuration has now for the service of `plan`; empty where
  /// it has no such service. May be null: then nobody compares.
  std::function<std::optional<Plan>(const Plan& plan)> configured;
  bool current_commands = false;  ///< carry out those instead of the plan's
};

struct StepOutcome {
  std::string name;
  std::string result;  ///< "planned", "began", "done", "failed", "undone", "not_run"
  double seconds = 0;
  std::string data;
  std::string error;  ///< of a step that has failed
};

/// The state of a run that nobody can finish, and that somebody has ended.
inline constexpr std::string_view kAbandoned = "abandoned";

/// How a run ended, or where it stands.   Units: seconds.
struct RunOutcome {
  Plan plan;
  std::string state;  ///< succeeded failed undone interrupted closed abandoned
  Time started;
  bool acted = false;  ///< something was done now; else it stood there already
  std::vector<StepOutcome> steps;
  std::vector<checks::CheckOutcome> checks;
  std::vector<std::string> deviations;
  double seconds = 0;
  double recovery_seconds =
      0;  ///< from its beginning to the end of what watch and tear-down come after
  std::optional<Error> failure;
  bool healthy = true;            ///< what the watch says at its end
  std::vector<std::string> kept;  ///< of a run that is undone: workplaces that are still there
  std::vector<std::string> left;  ///< of a run that is given up: what it leaves where, a line each
  std::vector<std::string> safety_points;
};

/// Whether a safety snapshot is to be taken of some store.
bool wants_safety_snapshot(const Plan& plan);

/// That a restore can take no safety snapshot, as the repository can't be written to (`why`), with
/// the command that goes without. Code refused.
Error no_safety_snapshot(const Plan& plan, const Error& why);

/// Carries out a new plan.   Failures of steps are in the outcome, with the code that the process
/// should end with; checks that fail: checks_failed.
/// Errors: conflict: the service is being restored by another run; refused: no_safety_snapshot().
RunOutcome execute(repo::Repository& repository, StoreAccess& access, const Plan& plan,
                   const ExecuteOptions& options);

/// Goes on with a run that was interrupted or has failed.
/// Errors: not_found: the repository has no journal of it; conflict: its process is alive, or is on
/// another host (without takeover); refused: it is undone, closed, being undone, or was a drill.
RunOutcome resume(repo::Repository& repository, StoreAccess& access, const std::string& run,
                  const ExecuteOptions& options);

/// Takes back a run. The same errors; refused: a later restore has replaced the service since.
RunOutcome undo(repo::Repository& repository, StoreAccess& access, const std::string& run,
                const ExecuteOptions& options);

/// Removes what was live before a restore that has succeeded, or what an undo has kept.   The same
/// errors.
RunOutcome close(repo::Repository& repository, StoreAccess& access, const std::string& run,
                 const ExecuteOptions& options);

/// Ends a run that nobody can resume, undo or close, also one whose journal has rotten (then
/// `service` says whose it is). Does nothing to the data; the outcome says what is left where. The
/// service is free for the next restore.
/// Errors: not_found: the repository has no journal of it; conflict: its process is alive, or is on
/// another host (without takeover); refused: it is over already, or was another service's.
RunOutcome abandon(repo::Repository& repository, StoreAccess& access, const std::string& run,
                   const std::string& service, const ExecuteOptions& options);

/// A restore of a service that has begun, and is neither finished nor taken back.
struct OpenRestore {
  std::string run;  ///< empty: records have rotten that may have said which
  std::string rot;  ///< why not all can be read of it; empty: all can
};

/// Reads all that can be read: records that have rotten are said, not thrown. Run `other_than` does
/// not count. `catalog`: of this machine, which knows what the repository could not be told; may be
/// null.
std::optional<OpenRestore> open_restore(repo::Repository& repository, const std::string& service,
                                        const std::string& other_than = {},
                                        catalog::Catalog* catalog = nullptr);

/// Its run alone; "unknown", where that can't be read.
std::optional<std::string> open_run(repo::Repository& repository, const std::string& service,
                                    catalog::Catalog* catalog = nullptr);

/// Brings to the repository what the catalog has kept of runs while it could not be written to:
/// their journals, and who restores what. What another host has overtaken is passed over with a
/// warning.   Errors: those of the repository and the catalog.
void catch_up(repo::Repository& repository, catalog::Catalog& catalog);

/// What is asked of a run before anybody goes on with it. A value.
struct RunHead {
  Plan plan;                       ///< as it is now
  std::string state;               ///< as RunOutcome has it
  bool is_open = false;            ///< its journal has not ended
  bool provisioned = false;        ///< it has workplaces
  std::optional<Time> live_since;  ///< when the restored data went live, unless it was taken back
};
/// Empty where there is no journal, or its plan can't be read.
std::optional<RunHead> head_of_run(repo::Repository& repository, catalog::Catalog* catalog,
                                   const std::string& run);

/// Writes back what the catalog knows of restores in place and the repository does not, as after an
/// older copy was put in its place: their journals, then, in the order of `runs`, who restored the
/// service. So what is open is found, and what was replaced since is not exchanged back.
/// Shape:  runs: their ids, the oldest first. Returns those of which something was written.
/// Errors: those of the repository.
std::vector<std::string> put_back_runs(repo::Repository& repository, catalog::Catalog& catalog,
                                       const std::vector<std::string>& runs);

/// The run that has restored a service in place last, or does so.
std::optional<std::string> newest_run(repo::Repository& repository, const std::string& service,
                                      catalog::Catalog* catalog = nullptr);

/// What the journal says of a run, without doing anything; empty when there is none.
/// Errors: corruption.
std::optional<RunOutcome> find_run(repo::Repository& repository, const std::string& run,
                                   catalog::Catalog* catalog = nullptr);

/// What an earlier run's watch saw: from the data of its step.
checks::Baseline baseline_in(const std::string& watch_data);

}  // namespace salvor::recovery
