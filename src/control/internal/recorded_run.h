#pragma once

#include <string>
#include <string_view>

#include "control/caller.h"
#include "control/internal/records.h"
#include "evidence/evidence.h"

namespace salvor::control::internal {

/// One run of a verb, from its beginning to its evidence. The catalog learns how it ended after the
/// evidence was left: who reads there that a run has ended finds what it leaves.
///     RecordedRun run(config, records, catalog::RunKind::verify, service, caller);
///     return run.carry_out([&] {
///       Opened opened = …;  run.opened(*opened.repository);
///       …;  run.finish(catalog::RunState::succeeded, to_json(report));
///       return report;
///     });
/// Lifetime: shorter than that of all that it is given.   Threads: one.
/// Errors:   what can't be recorded is a warning.
class RecordedRun {
 public:
  /// Records that it begins. `service`: empty for what concerns the repository.
  RecordedRun(const config::Config& config, Records& records, catalog::RunKind kind,
              const std::string& service, const Caller& caller);

  /// A run that has begun already, here or on another host.
  RecordedRun(const config::Config& config, Records& records, catalog::RunKind kind,
              const std::string& service, const Caller& caller, catalog::RunId id);

  const std::string& id() const { return id_.text; }

  /// What the catalog is to keep of it (JSON) where it fails before it was finished.
  void describe_failure(std::string summary_json) { failure_json_ = std::move(summary_json); }

  /// What its evidence will say.
  evidence::EvidenceRecord& evidence() { return evidence_; }

  /// Files it under its repository. From now on it leaves evidence there, however it ends.
  /// Lifetime: the repository outlives the run.
  void opened(repo::Repository& repository);

  /// Leaves its evidence, and records how it ended. To be called once, as the last.
  void finish(catalog::RunState state, std::string_view summary_json, std::string_view error = {});

  /// The same of a run that has failed before it was finished, or was cancelled.
  void fail(const std::exception& error);

  /// Yields what `act` yields. What it throws is how the run failed, and is thrown on.
  template <class Act>
  auto carry_out(const Act& act) {
    try {
      return act();
    } catch (const std::exception& error) {
      fail(error);
      throw;
    }
  }

 private:
  Records& records_;
  const catalog::RunId id_;
  const catalog::RunKind kind_;
  evidence::EvidenceRecord evidence_;
  std::string failure_json_;
  repo::Repository* repository_ = nullptr;  // null until it is opened
};

}  // namespace salvor::control::internal
