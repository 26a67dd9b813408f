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

/// Carries out plans, and what comes after: a run that was interrupted is resumed, undone or
/// abandoned; one that has succeeded is undone or closed. execute(), resume() and undo() take the
/// service first (claim.h), and every call notes in the journal what it does (journal.h).
///     execute → succeeded ─→ close → closed
///        │          └──────→ undo ─→ undone (→ close removes the workplaces)
///        └→ interrupted or failed ─→ resume, undo, or abandon → abandoned
namespace salvor::recovery {

struct StepOutcome;

/// How a run is carried out, and who is told what. Pointers and functions may be null.
/// Lifetime: everything that is pointed to outlives the call.
struct ExecuteOptions {
  Clock* clock = &Clock::system();
  std::stop_token stop;
  backup::Progress* progress = nullptr;
  catalog::Catalog* catalog = nullptr;
  /// Called once the run is this process's to carry out: before that, it may be refused.
  std::function<void(const Plan& plan)> on_begin;
  /// Called when a step begins, when it is done or has failed, and when it is undone. The first
  /// step of the plan has the number 1.
  std::function<void(const StepOutcome& step, std::size_t number, std::size_t count)> on_step;
  /// Called with what people should know as it happens.
  std::function<void(const std::string& line)> say;
  /// What the service was like before, for the watch; empty: not known.
  checks::Baseline baseline;
  KillPoint kill_point;
  /// Why no safety snapshot can be taken; empty: it can.
  std::optional<Error> no_safety_snapshot = {};
  /// Carry out a run of another host, whose process may be alive.
  bool takeover = false;

  /// Makes a plan with the commands that the configuration has now for the service of `plan`; empty
  /// where the configuration has no such service. When this is null, nobody compares the two.
  std::function<std::optional<Plan>(const Plan& plan)> configured;
  /// Carry out those commands instead of the plan's.
  bool current_commands = false;
};

/// How a step stands. `not_run`: a drill leaves it out, since it would act on the live service.
enum class StepResult { planned, began, done, failed, undone, not_run };
/// The name of each, and the reverse; empty for a name that this version does not know.
std::string_view name_of(StepResult result);
std::optional<StepResult> parse_step_result(std::string_view name);

/// One step of a run, and how it stands. A value.
/// Units: seconds.
struct StepOutcome {
  StepId id;
  StepResult result = StepResult::planned;
  double seconds = 0;
  std::string data;   ///< what the step has remembered (JSON), or empty
  std::string error;  ///< of a step that has failed
};

/// How a run ended, or where it stands. A value.
/// Units: seconds.
struct RunOutcome {
  Plan plan;
  RunState state = RunState::interrupted;  ///< `running`: from find_run() only
  Time started;
  /// When it was last at work: giving it up, or its old data, is none. Empty: it has not ended.
  std::optional<Time> ended;
  Time noted;  ///< of the newest record of its journal
  /// False: the run had ended before, and this call did nothing.
  bool acted = false;
  std::vector<StepOutcome> steps;
  std::vector<checks::CheckOutcome> checks;
  std::vector<std::string> deviations;
  /// How long this call took; 0 from find_run(), which carries nothing out.
  double call_seconds = 0;
  /// From the beginning of the run to the verdict of its last check: without watch and tear-down.
  double recovery_seconds = 0;
  /// Why the run failed, with the code that the process should end with.
  std::optional<Error> failure;
  /// The verdict of the watch.
  bool healthy = true;
  /// After an undo: the workplaces that are still there, for close().
  std::vector<std::string> kept;
  /// After a close: the workplaces that this call has removed.
  std::vector<std::string> removed;
  /// After abandon(): what the run leaves where, a line each.
  std::vector<std::string> left;
  std::vector<repo::PointId> safety_points;

  /// How long all steps took, whoever carried them out.
  double step_seconds() const;
};

/// Whether the plan asks for a safety snapshot of some store.
bool wants_safety_snapshot(const Plan& plan);

/// The error (refused) that a restore can take no safety snapshot, because the repository can't be
/// written to (`why`). Its hint has the command that restores without one.
Error no_safety_snapshot(const Plan& plan, const Error& why);

/// Carries out a new plan. A step that fails is no error of this call: the outcome tells it. When a
/// step of a restore that is a guard fails, all that was done is undone at once; after any other
/// failure the run can be resumed or undone. A drill always tears down what it has made. Checks
/// that fail are a failure with the code checks_failed.
/// Errors: before anything is touched: conflict: the service is being restored by another run;
///         refused: no_safety_snapshot(); not_found: the repository has no such point; what the
///         repository throws. Later only conflict: another process has resumed or undone the run
///         meanwhile.
RunOutcome execute(repo::Repository& repository, StoreAccess& access, const Plan& plan,
                   const ExecuteOptions& options);

/// Resumes a run that was interrupted or has failed, at the first step that is not done. For a run
/// that has succeeded it does nothing.
/// Errors: not_found: the repository has no journal of the run, or its point is gone; conflict: its
///         process is alive, or may be alive on another host (without takeover), or one of its
///         commands still runs; refused: the run is over, is being undone, was a drill, or its
///         workplaces are not on this host; configuration: current_commands, and the configuration
///         has no such service; corruption: its journal can't be read.
RunOutcome resume(repo::Repository& repository, StoreAccess& access, const std::string& run,
                  const ExecuteOptions& options);

/// Undoes the steps of a run, the last one first. For a run that is undone, or has failed and
/// undone itself, it does nothing.
/// Errors: as resume(), but that the point may be gone; refused also when the run is closed or
///         abandoned, when a later restore has replaced the service since, and when a store was
///         written over in place without a safety snapshot.
RunOutcome undo(repo::Repository& repository, StoreAccess& access, const std::string& run,
                const ExecuteOptions& options);

/// Closes a run that has succeeded: removes what was live before. It can't be undone then. For a
/// run that is undone it removes the workplaces that are still there.
/// Errors: as resume(); refused also when the run has neither succeeded nor been undone.
RunOutcome close(repo::Repository& repository, StoreAccess& access, const std::string& run,
                 const ExecuteOptions& options);

/// Abandons a run that nobody can resume, undo or close, also one whose journal has rotten (then
/// `service` says whose run it is). It leaves the data as it is, and the outcome says what is left
/// where. The service is free for the next restore.
/// Errors: not_found: the repository has no journal of it; conflict: as resume(); refused: the run
///         has ended already and did not succeed, was a drill, or was another service's.
RunOutcome abandon(repo::Repository& repository, StoreAccess& access, const std::string& run,
                   const std::string& service, const ExecuteOptions& options);

/// A restore of a service that has begun, and is neither finished nor undone. A value.
struct OpenRestore {
  std::string run;          ///< empty: the records that may have said which have rotten
  std::string rot;          ///< why not all of it can be read; empty: all can
  bool is_running = false;  ///< its process lives, on this machine
};

/// The open restore of a service; empty when there is none. It reads all that can be read: records
/// that have rotten are told, not thrown. Run `other_than` does not count. `catalog` is that of
/// this machine, which knows what the repository could not be told; it may be null.
/// Errors: those of the repository.
std::optional<OpenRestore> open_restore(repo::Repository& repository, const std::string& service,
                                        const std::string& other_than = {},
                                        catalog::Catalog* catalog = nullptr);

/// Its run alone; "unknown", where that can't be read.
std::optional<std::string> open_run(repo::Repository& repository, const std::string& service,
                                    catalog::Catalog* catalog = nullptr);

/// Brings to the repository what the catalog has kept of runs while the repository could not be
/// written to: their journals, and who restores what. Where another host has resumed such a run
/// since, what was kept is passed over with a warning. Call it before a run writes to the
/// repository.
/// Errors: those of the repository and the catalog.
void catch_up(repo::Repository& repository, catalog::Catalog& catalog);

/// What a caller must know of a run before it resumes, undoes or closes it. A value.
struct RunHead {
  Plan plan;  ///< as it is now
  RunState state = RunState::interrupted;
  bool is_open = false;      ///< its journal has not ended
  bool provisioned = false;  ///< it has workplaces
  /// When the restored data went live; empty when it is not, or when that was undone.
  std::optional<Time> live_since;
};
/// Empty where there is no journal, or its plan can't be read.
std::optional<RunHead> head_of_run(repo::Repository& repository, catalog::Catalog* catalog,
                                   const std::string& run);

/// Writes back what the catalog knows of restores in place and the repository does not, which is so
/// after an older copy of the repository was put in its place: their journals, and then, in the
/// order of `runs`, who restored the service. So an open run is found, and a run that a later one
/// has replaced is not exchanged back.
/// Shape:  `runs`: their ids, the oldest first. Returns those of which something was written.
/// Errors: those of the repository and the catalog. What can't be understood is passed over with a
///         warning.
std::vector<std::string> put_back_runs(repo::Repository& repository, catalog::Catalog& catalog,
                                       const std::vector<std::string>& runs);

/// The run that has restored a service in place last, or is restoring it.
std::optional<std::string> newest_run(repo::Repository& repository, const std::string& service,
                                      catalog::Catalog* catalog = nullptr);

/// What the journal says of a run, without doing anything; empty when there is none.
/// Errors: corruption.
std::optional<RunOutcome> find_run(repo::Repository& repository, const std::string& run,
                                   catalog::Catalog* catalog = nullptr);

/// What the watch of an earlier run saw, from the data of its step `watch`; empty when that is
/// none.
checks::Baseline baseline_in(const std::string& watch_data);

}  // namespace salvor::recovery
