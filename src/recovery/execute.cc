#include "recovery/execute.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/log.h"
#include "recovery/internal/current_commands.h"
#include "recovery/internal/journal_report.h"
#include "recovery/internal/run_guards.h"
#include "recovery/internal/runner.h"

namespace salvor::recovery {
namespace {

using internal::begin_claim;
using internal::event;
using internal::plan_in;
using internal::refuse;
using internal::require_alone;
using internal::require_restore;
using internal::Runner;

/// Claims the service for a run whose journal says that it is being undone. When another run was
/// faster, the journal gets its former state back.
void claim_for_undo(repo::Repository& repository, catalog::Catalog* catalog, const Plan& plan,
                    Journal& journal, std::optional<RunState> state) {
  try {
    begin_claim(repository, catalog, plan, journal);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::conflict && state) journal.append(internal::end_of_run(*state));
    throw;
  }
}

/// A run may exchange back only while no later run has put its own data there.
void require_newest(repo::Repository& repository, catalog::Catalog* catalog, const Plan& plan,
                    const Journal& own) {
  const auto records = Claim(repository, plan.service).history();
  const Time began = own.entries().front().time;
  std::set<std::string> later;
  const ClaimRecord* claim = nullptr;  // its own
  for (const ClaimRecord& record : records) {
    if (record.run != plan.run || !record.begins) continue;
    claim = &record;
  }
  for (const ClaimRecord& record : records) {
    if (record.run == plan.run || !record.begins) continue;
    // Claims come in the order of the restores, except those that were written later.
    const bool in_order = claim != nullptr && !claim->since && !record.since;
    const Time since = claim != nullptr ? claim->began() : began;
    if (in_order ? claim < &record : since < record.began()) later.insert(record.run);
  }
  // Restores that could write no claim.
  for (const auto& [other, journal] :
       internal::unwritten_restores(repository, catalog, plan.service)) {
    const bool known = std::ranges::find(records, other.run, &ClaimRecord::run) != records.end();
    if (known || other.run == plan.run) continue;
    if (began < journal.entries().front().time) later.insert(other.run);
  }
  for (const std::string& run : later) {
    const Journal journal(repository, catalog, run, {}, Rotten::skip);
    if (!internal::may_have_replaced(journal)) continue;
    const bool can_be_undone = journal.state() == RunState::succeeded;
    refuse(fmt::format("run {} has restored service {} since", run, printable(plan.service)),
           can_be_undone ? fmt::format("undo that run first: salvor restore --undo {} --confirm {}",
                                       run, printable(plan.service))
                         : fmt::format("that run can't be undone, so its data stays; close this "
                                       "run: salvor restore --close {} --confirm {}",
                                       plan.run, printable(plan.service)));
  }
}

bool has_safety_snapshot(const repo::Repository& repository, const Plan& plan,
                         const StorePlan& store) {
  const auto& points = repository.points();
  return std::any_of(points.begin(), points.end(), [&](const repo::Point& point) {
    const auto run = point.facts.find("run");
    return point.is_safety_snapshot() && run != point.facts.end() && run->second == plan.run &&
           point.find(store.name) != nullptr;
  });
}

/// A store that was written over in place comes back only from its safety snapshot. Call this
/// before anything is locked for the undo.
void require_way_back(const repo::Repository& repository, const Plan& plan,
                      const Journal& journal) {
  for (const StorePlan& store : plan.stores) {
    if (!store.delta_in_place || !journal.ever_began({StepKind::restore_store, store.name}))
      continue;
    if (has_safety_snapshot(repository, plan, store)) continue;
    refuse("store " + store.name +
               " was written over in place, and there is no safety snapshot of it: the restore "
               "can't be undone",
           journal.state() ? "restore another point"
                           : "resume the run: salvor restore --resume " + plan.run +
                                 "; or abandon it: salvor restore --abandon " + plan.run +
                                 " --confirm " + printable(plan.service));
  }
}

/// The steps that have begun, whether they were finished or undone.
std::vector<StepId> begun_steps(const Journal& journal) {
  std::vector<StepId> steps;
  for (const JournalEntry& entry : journal.entries()) {
    if (entry.event == Event::began) steps.push_back(entry.step);
  }
  return steps;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + printable(name);
  return text;
}

/// Takes the commands of the configuration if the options ask for them, and returns the names of
/// those that differ. Otherwise warns that they differ.
std::vector<std::string> choose_commands(const Journal& journal, const ExecuteOptions& options,
                                         bool undoing, Plan& plan) {
  auto now = options.configured ? options.configured(plan) : std::nullopt;
  if (now && plan.without_lock) now->writes.reset();
  if (!now) {
    if (!options.current_commands) return {};
    throw Error(ErrorCode::configuration,
                fmt::format("the configuration has no service {}, whose commands "
                            "--current-commands asks for",
                            printable(plan.service)),
                "write the service's section, or leave the option out");
  }
  std::vector<std::string> differing = internal::differing_commands(plan, *now);
  if (differing.empty()) return {};
  if (!options.current_commands) {
    log::warning(
        "run {} uses the commands of its plan, not those of the configuration, for: {}; "
        "--current-commands uses those of the configuration",
        plan.run, joined(differing));
    return {};
  }
  const bool is_in = journal.began(StepKind::cut_over);
  internal::StepRules rules;
  // New commands for a copy make sense only before the exchange. What has begun must be undone.
  rules.new_ones = !undoing && !is_in;
  if (undoing || is_in) rules.kept = begun_steps(journal);
  plan = internal::with_commands_of(plan, *now, rules);
  return differing;
}

void claim_for_new(repo::Repository& repository, const Plan& plan, Journal& journal,
                   const ExecuteOptions& options) {
  try {
    begin_claim(repository, options.catalog, plan, journal);
  } catch (const Error&) {
    // Nothing was touched, so the end of the run may be written wherever that is possible.
    journal.allow_unwritten(Unwritten::keep, plan.service);
    journal.append(internal::end_of_run(RunState::failed));
    throw;
  }
  journal.reach("claimed");
}

/// Claims the service for a resume. Before the safety snapshot the repository must be writable.
void claim_for_resume(repo::Repository& repository, const Plan& plan, Journal& journal,
                      const ExecuteOptions& options) {
  try {
    begin_claim(repository, options.catalog, plan, journal);
    journal.append(event(Event::resumed));
  } catch (const Error& error) {
    if (!error.unwritable() || journal.allowed() != Unwritten::refuse) throw;
    refuse(fmt::format("run {} was to take a safety snapshot, and can't: {}", plan.run,
                       error.message()),
           fmt::format("make the repository writable and resume it; or undo it: salvor restore "
                       "--undo {} --confirm {}, and begin again with --without-safety-snapshot",
                       plan.run, printable(plan.service)));
  }
}

/// Whether an older copy of the repository was accepted that lacks the safety snapshot. It is then
/// taken again, before anything is written over.
/// Errors: refused: a store may have been written over already.
bool lacks_safety_snapshot(const repo::Repository& repository, const Plan& plan,
                           const Journal& journal) {
  const auto lacks = std::ranges::find_if(plan.stores, [&](const StorePlan& store) {
    return store.delta_in_place && store.safety_snapshot &&
           !journal.done({StepKind::restore_store, store.name}) &&
           !has_safety_snapshot(repository, plan, store);
  });
  if (lacks == plan.stores.end() || !journal.done(StepKind::safety_snapshot)) return false;
  const bool is_too_late = std::ranges::any_of(plan.stores, [&](const StorePlan& store) {
    return store.delta_in_place && journal.ever_began({StepKind::restore_store, store.name});
  });
  if (is_too_late) {
    refuse(fmt::format("store {} would be written over, and its safety snapshot is no longer in "
                       "the repository",
                       lacks->name),
           fmt::format("abandon the run, and restore again, which backs up all stores first: "
                       "salvor restore --abandon {} --confirm {}",
                       plan.run, printable(plan.service)));
  }
  return true;
}

/// Only for the process that has the claim.
void renew_safety_snapshot(const Plan& plan, Journal& journal) {
  log::warning("the safety snapshot of run {} is no longer in the repository, and is taken again",
               plan.run);
  JournalEntry undone = event(Event::undone);
  undone.step = StepKind::safety_snapshot;
  journal.append(std::move(undone));
}

void note_commands(Journal& journal, const Plan& plan, const std::vector<std::string>& changed) {
  if (changed.empty()) return;
  JournalEntry entry = event(Event::replanned, to_json(plan));
  entry.deviations = {"--current-commands: taken from the configuration instead of the plan: " +
                      joined(changed)};
  journal.append(std::move(entry));
}

}  // namespace

bool wants_safety_snapshot(const Plan& plan) {
  return plan.safety_snapshot && std::ranges::any_of(plan.stores, &StorePlan::safety_snapshot);
}

Error no_safety_snapshot(const Plan& plan, const Error& why) {
  std::string command = fmt::format("salvor restore {0} --at {1} --confirm {0}",
                                    printable(plan.service), plan.point_text());
  for (const StorePlan& store : plan.stores) {
    if (!plan.others.empty()) command += " --only " + printable(store.name);
  }
  if (std::ranges::any_of(plan.stores, &StorePlan::delta_in_place)) command += " --in-place-delta";
  if (plan.compare_content) command += " --compare-content";
  if (plan.without_lock) command += " --without-lock";
  Error error(ErrorCode::refused, "no safety snapshot can be taken: " + why.message(),
              (why.hint().empty() ? "" : why.hint() + "; ") + "or restore without one: " + command +
                  " --without-safety-snapshot");
  return why.unwritable() ? std::move(error).as_unwritable() : error;
}

RunOutcome execute(repo::Repository& repository, StoreAccess& access, const Plan& plan,
                   const ExecuteOptions& options) {
  Journal journal(repository, options.catalog, plan.run, options.kill_point);
  SALVOR_ASSERT(journal.empty());
  internal::require_point(repository, plan);
  Runner runner(repository, access, plan, journal, options);
  try {
    journal.append(event(Event::planned, to_json(plan)));
    if (plan.mode == service::Mode::restore) claim_for_new(repository, plan, journal, options);
  } catch (const Error& error) {
    if (!error.unwritable() || plan.mode == service::Mode::drill || !wants_safety_snapshot(plan))
      throw;
    throw no_safety_snapshot(plan, error);
  }
  if (options.on_begin) options.on_begin(plan);
  return runner.carry_out();
}

RunOutcome resume(repo::Repository& repository, StoreAccess& access, const std::string& run,
                  const ExecuteOptions& options) {
  Journal journal(repository, options.catalog, run, options.kill_point);
  Plan plan = plan_in(journal, run);
  require_restore(plan);
  require_alone(journal, run, options.takeover);
  if (const auto state = journal.state()) {
    if (*state == RunState::succeeded) {
      return Runner(repository, access, plan, journal, options).outcome(*state);
    }
    refuse(fmt::format("run {} is in state {}: there is nothing to resume", run, name_of(*state)),
           "begin a new restore: salvor restore " + plan.service);
  }
  if (journal.has(Event::undoing)) {
    refuse(fmt::format("run {} is being undone", run),
           "continue the undo: salvor restore --undo " + run + " --confirm " + plan.service);
  }
  internal::require_point(repository, plan);
  const auto changed = choose_commands(journal, options, false, plan);
  Runner runner(repository, access, plan, journal, options);
  runner.require_here(stores::Way::forth);
  const bool renews = lacks_safety_snapshot(repository, plan, journal);
  claim_for_resume(repository, plan, journal, options);
  if (renews) renew_safety_snapshot(plan, journal);
  note_commands(journal, plan, changed);
  if (options.on_begin) options.on_begin(plan);
  return runner.carry_out();
}

RunOutcome undo(repo::Repository& repository, StoreAccess& access, const std::string& run,
                const ExecuteOptions& options) {
  Journal journal(repository, options.catalog, run, options.kill_point);
  Plan plan = plan_in(journal, run);
  require_restore(plan);
  require_alone(journal, run, options.takeover);
  const auto state = journal.state();
  if (state) {
    if (*state == RunState::undone || *state == RunState::failed) {
      return Runner(repository, access, plan, journal, options).outcome(*state);
    }
    if (*state == RunState::closed) {
      refuse(fmt::format("run {} is closed: the data from before it is gone", run),
             "the safety snapshot is still a point: `salvor points " + plan.service + "`");
    }
    if (*state == RunState::abandoned) internal::refuse_abandoned(journal, run);
  }
  const auto changed = choose_commands(journal, options, true, plan);
  Runner runner(repository, access, plan, journal, options);
  runner.require_here(stores::Way::back);
  require_way_back(repository, plan, journal);
  journal.allow_unwritten(Unwritten::keep, plan.service);
  // A run that was killed before it had its claim has touched nothing, even if another run restores
  // the service now.
  const bool touched = journal.has(Event::began);
  if (touched) {
    require_newest(repository, options.catalog, plan, journal);
    internal::require_claimable(repository, options.catalog, plan);
  }
  journal.append(event(Event::undoing));
  if (touched) claim_for_undo(repository, options.catalog, plan, journal, state);
  note_commands(journal, plan, changed);
  if (options.on_begin) options.on_begin(plan);
  return runner.undo();
}

RunOutcome close(repo::Repository& repository, StoreAccess& access, const std::string& run,
                 const ExecuteOptions& options) {
  Journal journal(repository, options.catalog, run, options.kill_point);
  const Plan plan = plan_in(journal, run);
  require_restore(plan);
  Runner runner(repository, access, plan, journal, options);
  const RunState state = internal::state_in(journal);
  require_alone(journal, run, options.takeover);
  // Finish a close that was killed.
  if (state == RunState::closed) return runner.close();
  if (state == RunState::undone) return runner.discard_kept();
  if (state == RunState::abandoned) internal::refuse_abandoned(journal, run);
  if (state != RunState::succeeded) {
    refuse(fmt::format("run {} is in state {}, expected succeeded", run, name_of(state)),
           journal.state() ? "there is nothing to close: the run has undone its own steps"
                           : ways_on_with(run, plan.service, state == RunState::running));
  }
  runner.require_here(stores::Way::forth);
  return runner.close();
}

std::optional<RunOutcome> find_run(repo::Repository& repository, const std::string& run,
                                   catalog::Catalog* catalog) {
  const Journal journal(repository, catalog, run);
  if (journal.empty()) return std::nullopt;
  return internal::outcome_in(journal, plan_in(journal, run), internal::state_in(journal));
}

}  // namespace salvor::recovery
