#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "control/caller.h"
#include "recovery/execute.h"

/// The verb `drill`: rehearses a restore.
namespace salvor::control {

/// One drill, from this machine's catalog, or from the evidence in the repository.
struct DrillSummary {
  std::string run;
  Time time;  ///< of its beginning
  catalog::RunState state = catalog::RunState::interrupted;
  /// Of one that succeeded: to the verdict of its last check; of any other: all that it took.
  double seconds = 0;
  std::vector<recovery::StepOutcome> phases;
  std::vector<std::string> failed_checks;
  std::vector<std::string> not_covered;
  repo::PointId point;  ///< zero: none was chosen
  bool whole = true;    ///< every store of the service was restored
  /// Of its record in the chain of evidence; 0: it has none, or its record had waited.
  std::uint64_t sequence = 0;
  bool evidence_waits = false;  ///< in this machine's catalog: it is not yet in the repository

  /// It has ended, and proves nothing.
  bool has_failed() const {
    return state != catalog::RunState::succeeded && state != catalog::RunState::running;
  }
};

/// Which service to rehearse, and from which point ("latest", an id, a time).
struct DrillRequest {
  std::string service;
  std::string at = "latest";
};

/// How a rehearsal went.
/// Units: seconds.
struct DrillReport {
  recovery::RunOutcome outcome;
  std::optional<std::int64_t> rto_s;
  bool whole = true;                     ///< every store of the service was in the point
  std::optional<bool> rto_met;           ///< empty without an objective, when not whole or failed
  std::vector<std::string> not_covered;  ///< what it says nothing about
  std::string runbook;                   ///< the file that was written; empty: none
  std::vector<std::string> logged;       ///< what was warned as it happened
};

/// Restores a point into a private staging directory, runs every check on it, and removes it. What
/// goes wrong on the way is in the report, with the code that the process should end with:
/// checks_failed, when a check is red; failed, when the time limit was reached.
/// Errors: not_found: service, point; those of opening the repository.
DrillReport drill(const config::Config& config, const DrillRequest& request, const Caller& caller);

/// Keys are a contract: docs/cli.md.
std::string to_json(const DrillReport& report);

}  // namespace salvor::control
