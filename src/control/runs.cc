#include "control/runs.h"

#include "base/json.h"
#include "base/log.h"
#include "control/caller.h"
#include "control/internal/logbook.h"
#include "control/internal/opened.h"
#include "control/internal/restores.h"

namespace salvor::control {
namespace {

/// For these kinds the journal is in the repository, or else in the catalog.
bool has_journal(const catalog::RunRow& row) {
  return row.kind == catalog::RunKind::restore || row.kind == catalog::RunKind::drill;
}

std::optional<recovery::RunOutcome> journal_of(const config::Config& config, const std::string& run,
                                               const Caller& caller) {
  const internal::Opened opened =
      internal::open_repository(config, repo::Access::read, caller.stop);
  internal::Logbook logbook(config);
  return recovery::find_run(*opened.repository, run, logbook.catalog());
}

/// The run that `salvor runs` lists first.   Errors: not_found.
std::string latest_run(catalog::Catalog& catalog) {
  catalog::RunFilter filter;
  filter.limit = 1;
  const auto rows = catalog.runs(filter);
  if (!rows.empty()) return rows.front().id.text;
  throw Error(ErrorCode::not_found, "this machine has recorded no run yet",
              "give the whole id of a run that another machine has carried out");
}

/// A row for a run that only the repository knows.
catalog::RunRow row_of(const recovery::RunOutcome& outcome) {
  catalog::RunRow row;
  row.id = {outcome.plan.run};
  row.kind = outcome.plan.mode == service::Mode::drill ? catalog::RunKind::drill
                                                       : catalog::RunKind::restore;
  row.service = outcome.plan.service;
  row.state = internal::state_in_catalog(outcome.state);
  row.error = internal::error_of(outcome);
  row.trigger = outcome.plan.trigger;
  row.started = outcome.started;
  row.has_journal = true;
  return row;
}

}  // namespace

std::optional<bool> is_in_place(const catalog::RunRow& run) {
  if (run.kind != catalog::RunKind::restore) return std::nullopt;
  if (run.has_journal) return true;
  // Its report has the mode, even if the run failed before it had a journal.
  const auto report = try_parse_json(run.summary_json);
  return report.is_object() && report.contains("mode");
}

std::vector<catalog::RunRow> list_runs(const config::Config& config,
                                       const catalog::RunFilter& filter) {
  auto rows = internal::open_catalog(config)->runs(filter);
  // Also services that are no longer configured have runs.
  if (rows.empty() && filter.service) config.service(*filter.service);
  return rows;
}

RunReport show_run(const config::Config& config, const std::string& run, const Caller& caller) {
  RunReport report;
  const auto catalog = internal::open_catalog(config);
  auto row = catalog->run(run == "latest" ? latest_run(*catalog) : run);
  if (row && !has_journal(*row)) {
    report.row = std::move(*row);
    return report;
  }
  try {
    report.outcome = journal_of(config, row ? row->id.text : run, caller);
  } catch (const Error& error) {
    if (!row) throw;
    log::warning("the run's journal can't be read: {}", error.message());
  }
  if (!row && !report.outcome) {
    throw Error(ErrorCode::not_found,
                "there is no run " + printable(run) + " in the catalog, nor in the repository",
                "`salvor runs` lists the runs of this machine");
  }
  report.row = row ? std::move(*row) : row_of(*report.outcome);
  // An earlier version recorded no error for an abandoned run.
  if (report.outcome && report.row.error.empty()) {
    report.row.error = internal::error_of(*report.outcome);
  }
  return report;
}

}  // namespace salvor::control
