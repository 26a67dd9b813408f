#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/process_identity.h"
#include "recovery/execute.h"
#include "recovery/internal/journal_report.h"
#include "recovery/internal/presence.h"
#include "recovery/internal/run_guards.h"

namespace salvor::recovery {
namespace {

/// The plan, as far as anybody knows it.
Plan known_plan(const Journal& journal, const std::string& run, const std::string& service) {
  try {
    return internal::plan_in(journal, run);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::corruption) throw;
    Plan plan;
    plan.run = run;
    plan.service = service;
    return plan;
  }
}

/// Where the journal does not say whose run it is, the service's claims must.
void require_of_service(repo::Repository& repository, const Plan& plan) {
  const auto records = Claim(repository, plan.service).history();
  if (std::ranges::find(records, plan.run, &ClaimRecord::run) != records.end()) return;
  internal::refuse(fmt::format("the journal of run {} can't be read, and service {} knows no such "
                               "run",
                               plan.run, printable(plan.service)),
                   "name the service of that run with --confirm SERVICE");
}

/// What one store's workplace is now.
std::string place_left(StoreAccess& access, const Plan& plan, const StorePlan& store) {
  try {
    const auto replacement = access.live(store)->replacement(plan.run, store.name);
    const std::string place = printable(replacement->workplace().text);
    const stores::ReplacementState state = replacement->state();
    if (!state.provisioned)
      return fmt::format("store {}: {} is not on this host", store.name, place);
    return state.cut_over
               ? fmt::format(
                     "store {}: {} has the data from before the restore; the restored data is live",
                     store.name, place)
               : fmt::format(
                     "store {}: {} has the restored copy; the data from before the restore is live",
                     store.name, place);
  } catch (const Error& error) {
    return fmt::format("store {}: cannot look at its workplace: {}", store.name, error.message());
  }
}

std::vector<std::string> places_left(StoreAccess& access, const Journal& journal,
                                     const Plan& plan) {
  std::vector<std::string> left;
  for (const StorePlan& store : plan.stores) {
    if (!store.delta_in_place) {
      if (journal.began(StepKind::provision)) left.push_back(place_left(access, plan, store));
    } else if (journal.began({StepKind::restore_store, store.name})) {
      left.push_back(
          fmt::format("store {}: {} was written over in place", store.name, printable(store.path)));
    }
  }
  for (const JournalEntry& entry : journal.entries()) {
    if (entry.event != Event::done || entry.step != StepKind::provision) continue;
    if (entry.host == host_name()) continue;
    left.push_back("the workplaces were made on host " + entry.host);
  }
  return left;
}

std::string lock_left(const Journal& journal, const Plan& plan) {
  const bool locked =
      journal.began(StepKind::lock_writes) && !journal.done(StepKind::return_to_service);
  if (!locked || !plan.writes) return {};
  return fmt::format(
      "writes of the service are locked, unless somebody has unlocked them: run `{}`",
      plan.writes->unlock.run);
}

std::vector<std::string> what_is_left(StoreAccess& access, const Journal& journal,
                                      const Plan& plan) {
  std::vector<std::string> left = places_left(access, journal, plan);
  if (std::string lock = lock_left(journal, plan); !lock.empty()) left.push_back(std::move(lock));
  if (const std::string rot = journal.rot(); !rot.empty()) {
    left.push_back("the journal can't be read as a whole (" + rot + "): directories .salvor-" +
                   plan.run + "-STORE may lie beside the stores, and writes may be locked");
  }
  for (const repo::PointId& point : internal::safety_points_in(journal)) {
    left.push_back("safety snapshot: recovery point " + point.hex());
  }
  return left;
}

RunOutcome outcome_of(const Journal& journal, const Plan& plan) {
  RunOutcome outcome = internal::outcome_in(journal, plan, RunState::abandoned);
  // Nothing was recovered, and nobody asks how the service is.
  outcome.recovery_seconds = 0;
  outcome.healthy = true;
  return outcome;
}

}  // namespace

RunOutcome abandon(repo::Repository& repository, StoreAccess& access, const std::string& run,
                   const std::string& service, const ExecuteOptions& options) {
  Journal journal(repository, options.catalog, run, options.kill_point, Rotten::skip);
  const bool is_lost = journal.empty();
  const Plan plan = known_plan(journal, run, service);
  if (is_lost && plan.service.empty()) {
    throw Error(ErrorCode::not_found, "the repository has no journal of run " + printable(run),
                "`salvor runs` lists the runs; the whole id is needed where the catalog is lost");
  }
  internal::require_restore(plan);
  if (plan.stores.empty()) require_of_service(repository, plan);
  internal::require_alone(journal, run, options.takeover);
  const auto state = journal.state();
  if (state == RunState::abandoned) return outcome_of(journal, plan);
  if (state && state != RunState::succeeded) {
    internal::refuse(
        fmt::format("run {} is in state {}: there is nothing to abandon", run, name_of(*state)),
        "look at the run: salvor runs show " + run);
  }
  if (options.on_begin) options.on_begin(plan);
  JournalEntry end = internal::end_of_run(RunState::abandoned);
  end.deviations = what_is_left(access, journal, plan);
  journal.allow_unwritten(Unwritten::keep, plan.service);
  journal.append(std::move(end));
  internal::end_claim(repository, options.catalog, plan);
  RunOutcome outcome = outcome_of(journal, plan);
  outcome.acted = true;
  return outcome;
}

}  // namespace salvor::recovery
