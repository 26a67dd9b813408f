#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/config.h"
#include "control/caller.h"
#include "control/plan_restore.h"
#include "recovery/execute.h"

/// The verb `restore` in place, and those that resume, undo, close and abandon its run.
namespace salvor::control {

/// A restore in place, and who has confirmed it.
struct InPlaceRequest {
  PlanRequest plan;
  std::string confirm;                                   ///< the service's name
  std::function<void(const std::string& run)> on_begin;  ///< may be empty
};

/// How the run went, or where it stands.
struct InPlaceReport {
  recovery::RunOutcome outcome;
  std::vector<std::string> notes;   ///< what should be known of the point
  std::vector<std::string> logged;  ///< what was warned as it happened

  /// Why this is not good: the run's failure, or that the watch found the service unhealthy (code
  /// checks_failed). Empty: it is.
  std::optional<Error> problem() const;
};

/// The guarded restore. A failure of the run is in the report, with what was done until then.
/// Errors: refused: not confirmed; conflict: the service is being restored; those of plan_restore.
InPlaceReport restore_in_place(const config::Config& config, const InPlaceRequest& request,
                               const Caller& caller);

/// Whether nothing of a run is left to resume or to undo.
bool is_over(const recovery::RunOutcome& outcome);

/// Whether a run has locked the writes of its service, and has not returned them.
bool holds_writes(const recovery::RunOutcome& run);

/// What an undo, a close or an abandon would do.
struct ContinuePreview {
  std::string verb;  ///< "undo", "close", "abandon"
  std::string run;
  std::string service;
  std::vector<std::string> lines;  ///< what becomes of what was written since, a line each
};

/// A run to resume, undo, close or abandon.
struct ContinueRequest {
  std::string run;      ///< the id, the beginning of one that the catalog has, or "latest"
  std::string confirm;  ///< the service's name; needed to undo, close and abandon
  bool takeover = false;
  bool current_commands = false;  ///< those of the configuration, instead of the plan's
  std::function<void(const std::string& run)> on_begin;  ///< may be empty
  /// Shows what would be done, and yields the name that was typed; called where `confirm` is empty.
  /// May be empty: nobody can be asked.
  std::function<std::string(const ContinuePreview& preview)> ask;
};

/// Each says first (as Note) what it will do to what was written since.
/// Errors: see recovery/execute.h; refused: not confirmed.
InPlaceReport resume_restore(const config::Config& config, const ContinueRequest& request,
                             const Caller& caller);
InPlaceReport undo_restore(const config::Config& config, const ContinueRequest& request,
                           const Caller& caller);
InPlaceReport close_restore(const config::Config& config, const ContinueRequest& request,
                            const Caller& caller);
InPlaceReport abandon_restore(const config::Config& config, const ContinueRequest& request,
                              const Caller& caller);

/// Keys are a contract: docs/cli.md.
std::string to_json(const InPlaceReport& report);

}  // namespace salvor::control
