#include "recovery/execute.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/process_identity.h"
#include "recovery/internal/journal_report.h"
#include "recovery/internal/runner.h"
#include "recovery/internal/steps.h"

namespace salvor::recovery {
namespace {

using internal::plan_in;
using internal::Runner;

JournalEntry event(Event event, std::string data = {}) {
  JournalEntry entry;
  entry.event = event;
  entry.data = std::move(data);
  return entry;
}

/// Nobody else may be at it, nor may one of its commands that has outlived its process.
void require_alone(const Journal& journal, const std::string& run, bool takeover) {
  require_no_running_hook(run);
  const JournalEntry& last = journal.last();
  if (last.process == own_process_identity() || journal.state()) return;
  const Liveness liveness = liveness_of(last.process);
  if (liveness == Liveness::alive) {
    throw Error(ErrorCode::conflict,
                fmt::format("run {} is carried out by another process of this machine", run),
                "`salvor runs show` follows it; end that process first");
  }
  // Another boot of a host of this name: the process went with the boot. The same boot is another
  // container, in which it may be alive.
  const auto boot_of = [](const std::string& process) {
    return process.substr(0, process.find(' '));
  };
  const bool was_rebooted =
      last.host == host_name() && boot_of(last.process) != boot_of(own_process_identity());
  if (liveness == Liveness::dead || was_rebooted || takeover) return;
  throw Error(ErrorCode::conflict,
              fmt::format("run {} was last carried out on host {}, where its process may be alive",
                          run, printable(last.host)),
              "when it is certainly gone, add --takeover");
}

[[noreturn]] void refuse(const std::string& message, const std::string& hint = {}) {
  throw Error(ErrorCode::refused, message, hint);
}

void require_restore(const Plan& plan) {
  if (plan.mode == Mode::restore) return;
  refuse("run " + plan.run + " was a drill, which touches nothing live",
         "begin another with `salvor drill " + plan.service + "`");
}

/// The state of another run.
std::string state_of(repo::Repository& repository, catalog::Catalog* catalog,
                     const std::string& run) {
  const Journal journal(repository, catalog, run);
  return journal.empty() ? "failed" : internal::state_in(journal);
}

Claim::IsOver over_in(repo::Repository& repository, catalog::Catalog* catalog) {
  return [&repository, catalog](const std::string& run) {
    return Journal(repository, catalog, run).state().has_value();
  };
}

/// Has the service for a run whose journal says that it is undoing. When another run was faster, it
/// is as it was.
void claim_for_undo(repo::Repository& repository, catalog::Catalog* catalog, const Plan& plan,
                    Journal& journal, const std::optional<std::string>& state) {
  try {
    Claim(repository, plan.service).begin(plan.run, over_in(repository, catalog));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::conflict && state) journal.append(event(Event::ended, *state));
    throw;
  }
}

bool has_begun(const Journal& journal) {
  return std::any_of(journal.entries().begin(), journal.entries().end(),
                     [](const JournalEntry& entry) { return entry.event == Event::began; });
}

/// What was exchanged can only be exchanged back while nobody has put something else there since.
void require_newest(repo::Repository& repository, catalog::Catalog* catalog, const Plan& plan) {
  const auto records = Claim(repository, plan.service).history();
  std::set<std::string> later;
  for (const ClaimRecord& record : records) {
    if (record.run == plan.run) {
      later.clear();
    } else if (record.begins) {
      later.insert(record.run);
    }
  }
  for (const std::string& run : later) {
    const std::string state = state_of(repository, catalog, run);
    if (state != "succeeded" && state != "closed") continue;
    refuse(fmt::format("run {} has replaced service {} since", run, printable(plan.service)),
           "undo that one first: salvor restore --undo " + run);
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

/// What was written over in place comes back from the safety snapshot only. Said before anything is
/// locked for it.
void require_way_back(const repo::Repository& repository, const Plan& plan,
                      const Journal& journal) {
  for (const StorePlan& store : plan.stores) {
    if (!store.delta_in_place || !journal.ever_began("restore-" + store.name)) continue;
    if (has_safety_snapshot(repository, plan, store)) continue;
    refuse("store " + store.name +
               " was written over in place, and there is no safety snapshot of it: it can't be "
               "brought back",
           journal.state() ? "restore another point"
                           : "go on with it: salvor restore --resume " + plan.run);
  }
}

}  // namespace

RunOutcome execute(repo::Repository& repository, StoreAccess& access, const Plan& plan,
                   const ExecuteOptions& options) {
  Journal journal(repository, options.catalog, plan.run, options.kill_point);
  SALVOR_ASSERT(journal.empty());
  Runner runner(repository, access, plan, journal, options);
  journal.append(event(Event::planned, to_json(plan)));
  if (plan.mode == Mode::restore) {
    try {
      Claim(repository, plan.service).begin(plan.run, over_in(repository, options.catalog));
    } catch (const Error&) {
      journal.append(event(Event::ended, "failed"));
      throw;
    }
    journal.reach("claimed");
  }
  if (options.on_begin) options.on_begin(plan);
  return runner.go_on();
}

RunOutcome resume(repo::Repository& repository, StoreAccess& access, const std::string& run,
                  const ExecuteOptions& options) {
  Journal journal(repository, options.catalog, run, options.kill_point);
  const Plan plan = plan_in(journal, run);
  require_restore(plan);
  require_alone(journal, run, options.takeover);
  Runner runner(repository, access, plan, journal, options);
  if (const auto state = journal.state()) {
    if (*state == "succeeded") return runner.outcome(*state);
    refuse(fmt::format("run {} is {}: there is nothing to go on with", run, *state),
           "begin another: salvor restore " + plan.service);
  }
  if (journal.undoing()) {
    refuse(fmt::format("run {} is being taken back", run), "salvor restore --undo " + run);
  }
  Claim(repository, plan.service).begin(run, over_in(repository, options.catalog));
  journal.append(event(Event::resumed));
  if (options.on_begin) options.on_begin(plan);
  return runner.go_on();
}

RunOutcome undo(repo::Repository& repository, StoreAccess& access, const std::string& run,
                const ExecuteOptions& options) {
  Journal journal(repository, options.catalog, run, options.kill_point);
  const Plan plan = plan_in(journal, run);
  require_restore(plan);
  require_alone(journal, run, options.takeover);
  Runner runner(repository, access, plan, journal, options);
  const auto state = journal.state();
  if (state) {
    if (*state == "undone" || *state == "failed") return runner.outcome(*state);
    if (*state == "closed") {
      refuse(fmt::format("run {} is closed: what was live before it is gone", run),
             "the safety snapshot is still a point: `salvor points " + plan.service + "`");
    }
  }
  require_way_back(repository, plan, journal);
  // Killed before it had the service, it has touched nothing, whoever restores it now.
  const bool touched = has_begun(journal);
  if (touched) {
    require_newest(repository, options.catalog, plan);
    Claim(repository, plan.service).require_free_for(run, over_in(repository, options.catalog));
  }
  journal.append(event(Event::undoing));
  if (touched) claim_for_undo(repository, options.catalog, plan, journal, state);
  if (options.on_begin) options.on_begin(plan);
  return runner.go_back();
}

RunOutcome close(repo::Repository& repository, StoreAccess& access, const std::string& run,
                 const ExecuteOptions& options) {
  Journal journal(repository, options.catalog, run, options.kill_point);
  const Plan plan = plan_in(journal, run);
  require_restore(plan);
  Runner runner(repository, access, plan, journal, options);
  const std::string state = internal::state_in(journal);
  // Also what a killed one has left.
  if (state == "closed") return runner.close();
  if (state == "undone") return runner.discard_kept();
  if (state != "succeeded") {
    refuse(fmt::format("run {} is {}, expected succeeded", run, state),
           journal.state() ? "it has taken back by itself what it had done: nothing is kept"
                           : "when it has ended: go on with --resume, or back with --undo");
  }
  return runner.close();
}

std::optional<std::string> open_run(repo::Repository& repository, const std::string& service) {
  const auto claim = Claim(repository, service).last();
  if (!claim || !claim->begins || over_in(repository, nullptr)(claim->run)) return std::nullopt;
  return claim->run;
}

std::optional<RunOutcome> find_run(repo::Repository& repository, const std::string& run) {
  const Journal journal(repository, nullptr, run);
  if (journal.empty()) return std::nullopt;
  RunOutcome outcome;
  outcome.plan = plan_in(journal, run);
  outcome.state = internal::state_in(journal);
  outcome.steps = internal::steps_in(journal, outcome.plan);
  outcome.checks = internal::checks_in(journal);
  outcome.deviations = internal::deviations_in(journal);
  outcome.recovery_seconds = internal::recovery_seconds_in(journal);
  outcome.safety_points = internal::safety_points_in(journal);
  outcome.healthy = internal::was_healthy(journal.data("watch"));
  outcome.started = journal.entries().front().time;
  for (const StepOutcome& step : outcome.steps) outcome.seconds += step.seconds;
  return outcome;
}

}  // namespace salvor::recovery
