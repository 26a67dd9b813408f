#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/caller.h"
#include "control/internal/logbook.h"
#include "control/internal/run_events.h"
#include "evidence/evidence.h"

namespace salvor::control::internal {

/// How a run ended. A value.
struct RunEnd {
  catalog::RunState state = catalog::RunState::succeeded;
  /// What the catalog has as its error.
  std::string error = {};
  /// Why the process does not end with 0; empty: it does.
  std::optional<Error> verdict = {};
  std::optional<Time> ended = {};  ///< empty: now
};

/// One run of a verb, from its beginning to its evidence. The catalog learns how it ended after the
/// evidence was left: who reads there that a run has ended finds what it leaves. The caller is told
/// last.
///     RecordedRun run(config, records, catalog::RunKind::verify, service, caller, warnings);
///     run.tell_began({});
///     return run.carry_out([&] {
///       Opened opened = …;  run.opened(*opened.repository);
///       …;  run.finish(report, {});
///       return report;
///     });
/// What was warned of since the command began, or since its run before, is the run's: it is in its
/// evidence and in its report.
/// Lifetime: shorter than that of all that it is given.   Threads: one.
/// Errors:   what can't be recorded is a warning.
class RecordedRun {
 public:
  /// Records that it begins. `service`: empty for what concerns the repository.
  RecordedRun(const config::Config& config, Logbook& logbook, catalog::RunKind kind,
              const std::string& service, const Caller& caller, RunWarnings& warnings);

  /// A run that has begun already, here or on another host. Where what is done with it throws, it
  /// stays as it is, and nothing is recorded.
  RecordedRun(const config::Config& config, Logbook& logbook, catalog::RunKind kind,
              const std::string& service, const Caller& caller, RunWarnings& warnings,
              catalog::RunId id);

  const std::string& id() const { return id_.text; }

  /// Tells the caller that this process carries it out; the caller is then told its end, too.
  /// `verb`: as events name it; empty: as its kind. A second time it does nothing.
  void tell_began(std::vector<std::string> stores, std::string verb = {});

  /// What the catalog is to keep of it (JSON) where it fails before it was finished.
  void describe_failure(std::string summary_json) { failure_json_ = std::move(summary_json); }

  /// What its evidence will say.
  evidence::EvidenceRecord& evidence() { return evidence_; }

  /// Files it under its repository. From now on it leaves evidence there, however it ends.
  /// Lifetime: the repository outlives the run.
  void opened(repo::Repository& repository);

  /// Leaves its evidence, and records how it ended. To be called once.
  template <class Report>
  void finish(Report& report, RunEnd end) {
    leave_evidence();
    report.logged = warnings_.lines();
    record(std::move(end), to_json(report));
  }

  /// Nothing was done, and there is nothing to record: this is how it has ended before.
  void stay(RunEnd end) { end_ = std::move(end); }

  /// Records that it has failed before it was finished, or was cancelled, and tells the caller.
  void fail(const std::exception& error);

  /// Yields the report that `act` yields, and tells the caller how the run ended. What it throws is
  /// how the run failed, and is thrown on.
  template <class Act>
  auto carry_out(const Act& act) {
    try {
      auto report = act();
      report.logged = warnings_.lines();
      tell_end();
      return report;
    } catch (const std::exception& error) {
      fail(error);
      throw;
    }
  }

 private:
  RecordedRun(const config::Config& config, Logbook& logbook, catalog::RunKind kind,
              const std::string& service, const Caller& caller, RunWarnings& warnings,
              catalog::RunId id, bool is_new);

  void leave_evidence();
  void record(RunEnd end, const std::string& summary_json);
  void tell_end();

  const Caller& caller_;
  RunWarnings& warnings_;
  Logbook& logbook_;
  const catalog::RunId id_;
  const catalog::RunKind kind_;
  const std::string service_;
  const bool is_new_;  // by this process
  bool is_told_ = false;
  evidence::EvidenceRecord evidence_;
  std::string failure_json_;
  RunEnd end_;
  repo::Repository* repository_ = nullptr;  // null until it is opened
};

}  // namespace salvor::control::internal
