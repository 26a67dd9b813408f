#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/progress.h"
#include "checks/checks.h"
#include "checks/watch.h"
#include "recovery/journal.h"
#include "recovery/plan.h"
#include "recovery/store_access.h"

/// The steps of a restore or a drill. execute.h carries them out: before(), a record `began`,
/// run(), a record `done`, in the order of the plan; and undo(), a record `undone`, in the reverse
/// order. A process that resumes a run calls take_up() of what is done.
///
/// A new step is a class with a make_ function in a file of steps/, and a line in the one table,
/// steps.def, which has the order.
namespace salvor::recovery::internal {

/// What the steps of one run share.
/// Threads:  one.
/// Lifetime: as long as one process carries out the run. The references outlive it.
struct RunContext {
  const Plan& plan;
  repo::Repository& repository;
  StoreAccess& access;
  Journal& journal;
  /// Its own copy: new points move those of the repository. It has no id where the repository does
  /// not have the point any more.
  const repo::Point point;
  service::HookContext hooks;
  Clock& clock;
  std::stop_token stop;
  backup::Progress* progress = nullptr;
  /// Called with what people should know as it happens.
  std::function<void(const std::string& line)> say;

  /// Made when they are first asked for, by the store's name.
  std::map<std::string, std::unique_ptr<stores::Target>> live = {};
  std::map<std::string, std::unique_ptr<stores::Replacement>> replacements = {};
  std::map<std::string, std::unique_ptr<stores::Target>> copies = {};
  std::map<std::string, std::unique_ptr<stores::WriteLock>> locks = {};
  std::vector<checks::CheckOutcome> outcomes = {};
  /// What was not as planned, for the evidence.
  std::vector<std::string> deviations = {};
  /// What the service was like before, for the watch.
  checks::Baseline baseline = {};
  /// Why no safety snapshot can be taken; empty: it can.
  std::optional<Error> no_safety_snapshot = {};
  bool undoing = false;

  /// A store's snapshot in the point.
  /// Errors: not_found.
  const repo::Snapshot& snapshot(const StorePlan& store) const;
  /// The live store, and how it is replaced in this run.
  stores::Target& live_of(const StorePlan& store);
  stores::Replacement& replacement_of(const StorePlan& store);

  /// Where the restored copy of a store is now, and the target there: in staging, in the workplace,
  /// or at the live path.
  stores::Location copy_location(const StorePlan& store);
  stores::Target& copy_of(const StorePlan& store);

  /// The environment of commands as of now: paths change with the cut-over. In a drill, stores that
  /// are not restored get a path where nothing is.
  const service::HookContext& hook_context();
  /// Runs a command of the service; `what`: see run_hook().
  service::HookOutcome hook(const service::Command& command, const std::string& what);

  /// Asks a command of the service; see answer_of().
  bool ask(const service::Command& command, const std::string& what);
  /// What checks ask: the copies as they are now.
  checks::CheckSubjects subjects();
};

/// One step. Whatever it does may be cut short by a crash at any instant: run() and undo() may then
/// be called again, and must finish what was begun.
/// Errors:  what a step throws is how it failed.
/// Threads: one.
class Step {
 public:
  virtual ~Step() = default;
  /// Unique within a plan.
  virtual StepId id() const = 0;
  /// Its name in the journal.
  std::string name() const { return name_of(id()); }

  /// What it will do, for people who read the plan.
  virtual std::string what(const Plan& plan) const = 0;

  /// Finds out what must be known to undo the step (JSON, or empty), and changes nothing. It is
  /// journalled before the step begins; a step that has begun is not asked again.
  virtual std::string before(RunContext& /*context*/) { return {}; }

  /// Called by a process that resumes or undoes a run, for each step that is done already, in
  /// order: gets back what went with the old process, such as locks.
  virtual void take_up(RunContext& /*context*/) {}

  /// Does the work. Returns what the journal should remember (JSON, or empty).
  virtual std::string run(RunContext& context) = 0;

  /// Brings back what was before; also for a step that was killed in its middle.
  virtual void undo(RunContext& /*context*/) {}

  /// Whether a failure of this step undoes all that was done before, at once, so that nothing stays
  /// touched.
  virtual bool is_guard() const { return false; }

  /// Whether an undo brings back what was before this step.
  virtual bool can_be_undone() const { return true; }
};

}  // namespace salvor::recovery::internal
