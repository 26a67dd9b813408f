#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "recovery/execute.h"
#include "recovery/internal/journal_report.h"
#include "recovery/internal/run_guards.h"

/// Restores that the repository has forgotten, since it is an older copy, and the catalog knows.
namespace salvor::recovery {
namespace {

struct Known {
  std::string run;
  std::string service;
  Time began;
  bool has_ended = false;
};

/// Copies the missing records of a journal to the repository. Empty: the run was no restore in
/// place, or had done nothing yet.
std::optional<Known> put_back_journal(repo::Repository& repository, catalog::Catalog& catalog,
                                      const std::string& run) {
  Journal journal(repository, &catalog, run, {}, Rotten::skip);
  if (!journal.has(Event::began) || !journal.rot().empty()) return std::nullopt;
  const Plan plan = internal::plan_in(journal, run);
  if (plan.mode != service::Mode::restore) return std::nullopt;
  journal.catch_up();
  return Known{run, plan.service, journal.entries().front().time, journal.state().has_value()};
}

/// Returns whether it wrote something.
bool put_back_claim(repo::Repository& repository, catalog::Catalog& catalog, const Known& known) {
  Claim claim(repository, known.service);
  const auto records = claim.history();
  const bool is_there = std::ranges::find(records, known.run, &ClaimRecord::run) != records.end();
  if (!is_there) claim.begin(known.run, internal::over_in(repository, &catalog), known.began);
  if (known.has_ended) claim.end(known.run);
  return !is_there;
}

}  // namespace

std::vector<std::string> put_back_runs(repo::Repository& repository, catalog::Catalog& catalog,
                                       const std::vector<std::string>& runs) {
  std::vector<std::string> written;
  std::vector<Known> restores;
  for (const std::string& run : runs) {
    repo::Chain chain(repository, repo::ChainKind::journal, run);
    const std::uint64_t before = chain.last();
    try {
      if (!catalog.journal_record(run, 1)) continue;
      if (auto known = put_back_journal(repository, catalog, run)) {
        restores.push_back(std::move(*known));
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corruption && error.code() != ErrorCode::not_found) throw;
      log::warning("what the catalog has of run {} can't be used: {}", run, error.message());
    }
    if (chain.last() != before) written.push_back(run);
  }
  for (const Known& known : restores) {
    try {
      const bool is_new = std::ranges::find(written, known.run) == written.end();
      if (put_back_claim(repository, catalog, known) && is_new) written.push_back(known.run);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::conflict) throw;
      log::warning("run {} can't have the service back: {}", known.run, error.message());
    }
  }
  return written;
}

}  // namespace salvor::recovery
