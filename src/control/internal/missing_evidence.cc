#include "control/internal/missing_evidence.h"

#include <fmt/format.h>

#include "base/log.h"
#include "control/internal/leave_evidence.h"
#include "control/internal/restores.h"
#include "control/internal/run_evidence.h"
#include "control/restore_in_place.h"
#include "control/runs.h"

namespace salvor::control::internal {
namespace {

using catalog::RunState;
using recovery::RunOutcome;

bool is_record_of(const evidence::EvidenceSummary& record, const RunOutcome& outcome) {
  return record.kind == name_of(catalog::RunKind::restore) && record.run == outcome.plan.run &&
         record.result == name_of(outcome.state);
}

bool waits(repo::Repository& repository, Logbook& logbook, const RunOutcome& outcome) {
  for (const auto& waiting : waiting_evidence(repository.id().hex(), logbook)) {
    if (waiting.service != outcome.plan.service) continue;
    if (is_record_of(evidence::summarise_waiting(repository, waiting.envelope), outcome)) {
      return true;
    }
  }
  return false;
}

/// No record of a run is older than the run. Clocks of hosts differ.
bool is_before(const evidence::EvidenceSummary& record, const RunOutcome& outcome) {
  constexpr double kMargin_s = 24.0 * 3600;
  const auto ended = parse_time(record.ended);
  return !record.was_late && ended && outcome.started.seconds_since(*ended) > kMargin_s;
}

bool is_in_chain(repo::Repository& repository, const RunOutcome& outcome) {
  const std::string& service = outcome.plan.service;
  for (std::uint64_t number = evidence::head_of(repository, service).sequence; number > 0;
       --number) {
    const auto envelope = evidence::find_envelope(repository, service, number);
    if (!envelope) continue;
    const evidence::EvidenceSummary record = evidence::summarise(*envelope);
    if (is_record_of(record, outcome)) return true;
    if (is_before(record, outcome)) return false;
  }
  return false;
}

/// Not for one that may go on: its journal is open.
bool has_ended(const RunOutcome& outcome) {
  return outcome.state == RunState::succeeded || outcome.state == RunState::undone ||
         outcome.state == RunState::closed || outcome.state == RunState::abandoned;
}

void settle(const config::Config& config, repo::Repository& repository, Logbook& logbook,
            const catalog::RunRow& row) {
  auto outcome = recovery::find_run(repository, row.id.text, logbook.catalog());
  if (!outcome || !has_ended(*outcome)) return;
  if (lacks_evidence(repository, logbook, *outcome)) {
    auto record = new_evidence(config, catalog::RunKind::restore, outcome->plan.service,
                               outcome->plan.run, {});
    describe_run(*outcome, repository, record);
    // Who runs this has nothing to do with it.
    record.started_by.clear();
    record.trigger = outcome->plan.trigger;
    mark_as_late(*outcome, record);
    leave_evidence(repository, logbook, std::move(record));
  }
  InPlaceReport report;
  report.outcome = std::move(*outcome);
  logbook.finish(row.id, state_in_catalog(report.outcome.state), to_json(report),
                 error_of(report.outcome), report.outcome.ended);
}

}  // namespace

bool lacks_evidence(repo::Repository& repository, Logbook& logbook, const RunOutcome& outcome) {
  try {
    return has_ended(outcome) && !is_in_chain(repository, outcome) &&
           !waits(repository, logbook, outcome);
  } catch (const std::exception& error) {
    log::debug("cannot tell whether run {} has left evidence: {}", outcome.plan.run, error.what());
    return false;
  }
}

void mark_as_late(const RunOutcome& outcome, evidence::EvidenceRecord& record) {
  record.deviations.push_back(fmt::format(
      "the process that ended this run was killed before it left its record: a later command wrote "
      "it; the run was {} at {}",
      outcome.state == RunState::succeeded ? "finished" : name_of(outcome.state),
      format_time(outcome.noted)));
}

void settle_ended_restores(const config::Config& config, repo::Repository& repository,
                           Logbook& logbook) {
  if (logbook.catalog() == nullptr) return;
  try {
    const catalog::RunFilter filter{.kind = catalog::RunKind::restore,
                                    .state = RunState::interrupted,
                                    .repository = repository.id().hex()};
    if (logbook.catalog()->runs(filter).empty()) return;
    const Fd lock = logbook.lock_settling();
    // As it is now: another process may have been at it until now.
    for (const catalog::RunRow& row : logbook.catalog()->runs(filter)) {
      if (is_in_place(row).value_or(false)) settle(config, repository, logbook, row);
    }
  } catch (const std::exception& error) {
    log::debug("restores that have ended can't be looked for: {}", error.what());
  }
}

}  // namespace salvor::control::internal
