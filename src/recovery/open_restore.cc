#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "recovery/claim.h"
#include "recovery/execute.h"
#include "recovery/internal/journal_report.h"
#include "recovery/internal/run_guards.h"

/// Which run restores a service. Its claim says so, or the journals where the claim has rotten, or
/// the catalog where the repository could not be written to. Also brings to the repository what the
/// catalog has for it.
namespace salvor::recovery {
namespace {

/// The plan that a journal begins with. Empty: the run is a drill or of another service, or the
/// plan can't be read.
std::optional<Plan> plan_for(repo::Repository& repository, const std::string& chain,
                             const std::string& service, std::string& rot) {
  try {
    const auto record = repo::Chain::of_id(repository, repo::ChainKind::journal, chain).read(1);
    if (!record || record->empty()) return std::nullopt;
    const JournalEntry first = parse_journal_entry(as_text(*record));
    if (first.event != Event::planned) return std::nullopt;
    Plan plan = parse_plan(first.data);
    if (plan.service != service || plan.mode != service::Mode::restore) return std::nullopt;
    return plan;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corruption) throw;
    rot = error.message();
    return std::nullopt;
  }
}

/// Reads the beginning of every journal. Call it only where the claim can't be read.
std::optional<OpenRestore> open_by_journals(repo::Repository& repository,
                                            const std::string& service, const std::string& rot,
                                            const std::string& other_than) {
  std::string unreadable;
  for (const std::string& chain : repo::list_chains(repository, repo::ChainKind::journal)) {
    const auto plan = plan_for(repository, chain, service, unreadable);
    if (!plan || plan->run == other_than) continue;
    if (Journal(repository, nullptr, plan->run, {}, Rotten::skip).state()) continue;
    return OpenRestore{plan->run, rot};
  }
  if (unreadable.empty()) return std::nullopt;
  return OpenRestore{"", rot + "; " + unreadable};
}

/// Writes the claim of a run that could write none, so that other hosts know who has replaced what.
/// False: another run has the service.
bool claim_late(repo::Repository& repository, catalog::Catalog& catalog, const Plan& plan,
                const Journal& journal) {
  Claim claim(repository, plan.service);
  const auto records = claim.history();
  const bool known = std::ranges::find(records, plan.run, &ClaimRecord::run) != records.end();
  try {
    if (!known) {
      claim.begin(plan.run, internal::over_in(repository, &catalog),
                  journal.entries().front().time);
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::conflict) throw;
    return false;
  }
  if (journal.state()) claim.end(plan.run);
  return true;
}

/// Whether nothing of the run waits any more. False also where that could not be read.
bool brought(repo::Repository& repository, catalog::Catalog& catalog, const std::string& run) {
  Journal journal(repository, &catalog, run, {}, Rotten::skip);
  if (!journal.catalog_was_read() || !journal.rot().empty()) return false;
  if (journal.empty()) return true;
  journal.catch_up();
  const Plan plan = internal::plan_in(journal, run);
  return plan.mode != service::Mode::restore || claim_late(repository, catalog, plan, journal);
}

}  // namespace

std::optional<OpenRestore> open_restore(repo::Repository& repository, const std::string& service,
                                        const std::string& other_than, catalog::Catalog* catalog) {
  for (const auto& [plan, journal] : internal::unwritten_restores(repository, catalog, service)) {
    if (plan.run == other_than || journal.state()) continue;
    return OpenRestore{plan.run, "", internal::state_in(journal) == RunState::running};
  }
  Claim claim(repository, service);
  if (const std::string rot = claim.rot(); !rot.empty()) {
    return open_by_journals(repository, service, rot, other_than);
  }
  const auto last = claim.last();
  if (!last || !last->begins || last->run == other_than) return std::nullopt;
  const Journal journal(repository, catalog, last->run, {}, Rotten::skip);
  if (journal.state()) return std::nullopt;
  if (journal.empty()) return OpenRestore{last->run, "its journal is missing"};
  return OpenRestore{last->run, journal.rot(), internal::state_in(journal) == RunState::running};
}

std::optional<std::string> open_run(repo::Repository& repository, const std::string& service,
                                    catalog::Catalog* catalog) {
  const auto open = open_restore(repository, service, {}, catalog);
  if (!open) return std::nullopt;
  return open->run.empty() ? "unknown" : open->run;
}

std::optional<RunHead> head_of_run(repo::Repository& repository, catalog::Catalog* catalog,
                                   const std::string& run) {
  const Journal journal(repository, catalog, run, {}, Rotten::skip);
  RunHead head;
  try {
    head.plan = internal::plan_in(journal, run);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::corruption) throw;
    return std::nullopt;
  }
  head.state = internal::state_in(journal);
  head.is_open = !journal.state();
  head.provisioned = journal.began(StepKind::provision);
  if (!journal.done(StepKind::cut_over)) return head;
  for (const JournalEntry& entry : journal.entries()) {
    if (entry.event == Event::done && entry.step == StepKind::cut_over)
      head.live_since = entry.time;
  }
  return head;
}

std::optional<std::string> newest_run(repo::Repository& repository, const std::string& service,
                                      catalog::Catalog* catalog) {
  std::optional<std::string> newest;
  if (const auto last = Claim(repository, service).last()) newest = last->run;
  for (const auto& [plan, journal] : internal::unwritten_restores(repository, catalog, service)) {
    newest = std::max(newest.value_or(plan.run), plan.run);
  }
  return newest;
}

void catch_up(repo::Repository& repository, catalog::Catalog& catalog) {
  for (const catalog::UnwrittenRun& run : catalog.unwritten_runs(repository.id().hex())) {
    try {
      if (!brought(repository, catalog, run.run)) continue;
    } catch (const Error& error) {
      const bool passed_over =
          error.code() == ErrorCode::conflict || error.code() == ErrorCode::corruption;
      if (!passed_over) throw;
      log::warning("what the catalog has of run {} is passed over: {}", run.run, error.message());
    }
    catalog.forget_unwritten(run.run);
  }
}

}  // namespace salvor::recovery
