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

namespace salvor::recovery {

/// What the steps of one run share.   Threads: one.   Lifetime: of one process's part of the run.
struct RunContext {
  const Plan& plan;
  repo::Repository& repository;
  StoreAccess& access;
  Journal& journal;
  const repo::Point point;  ///< its own: new points move those of the repository
  service::HookContext hooks;
  Clock& clock;
  std::stop_token stop;
  backup::Progress* progress = nullptr;
  std::function<void(const std::string& line)> say;  ///< what people should know as it happens

  std::map<std::string, std::unique_ptr<stores::Target>> live = {};
  std::map<std::string, std::unique_ptr<stores::Replacement>> replacements = {};
  std::map<std::string, std::unique_ptr<stores::Target>> copies = {};
  std::map<std::string, std::unique_ptr<stores::WriteLock>> locks = {};
  std::vector<checks::CheckOutcome> outcomes = {};
  std::vector<std::string> deviations = {};  ///< for the evidence
  checks::Baseline baseline = {};            ///< what the service was like before, for the watch
  std::optional<Error> no_safety_snapshot = {};  ///< why none may be taken
  bool undoing = false;

  const repo::Snapshot& snapshot(const StorePlan& store) const;
  stores::Target& live_of(const StorePlan& store);
  stores::Replacement& replacement_of(const StorePlan& store);

  /// Where the restored copy of a store is now, and the target there.
  std::filesystem::path copy_path(const StorePlan& store);
  stores::Target& copy_of(const StorePlan& store);

  /// The environment of commands, as of now. `what`: see run_hook().
  const service::HookContext& hook_context();
  service::HookOutcome hook(const service::Command& command, const std::string& what);

  /// Asks a command; see answer_of().
  bool ask(const service::Command& command, const std::string& what);
  checks::CheckSubjects subjects();
};

/// One step of a restore or a drill; adding one adds a file in steps/.
/// run() and undo() may be called again after a crash in their middle.
class Step {
 public:
  virtual ~Step() = default;
  virtual std::string name() const = 0;

  /// For people: what it will do.
  virtual std::string what(const Plan& plan) const = 0;

  /// Finds out what must be known to undo it (JSON, or empty); journalled before it begins.
  virtual std::string before(RunContext& /*context*/) { return {}; }

  /// Called by a new process for each step that is done already, in order: takes up again what went
  /// with the old process, such as locks.
  virtual void take_up(RunContext& /*context*/) {}

  /// Whether its work is found done, though the journal has only its beginning.
  virtual bool is_done(RunContext& /*context*/) { return false; }

  /// Does it; returns what the journal should remember (JSON, or empty).
  virtual std::string run(RunContext& context) = 0;

  /// Brings back what was before; also of a step that was killed in its middle.
  virtual void undo(RunContext& /*context*/) {}

  /// A failure in it takes back all that was done before, so that nothing stays touched.
  virtual bool is_guard() const { return false; }
};

/// The steps of a plan, in order.
std::vector<std::unique_ptr<Step>> make_steps(const Plan& plan);

}  // namespace salvor::recovery
