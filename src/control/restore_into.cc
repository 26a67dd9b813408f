#include "control/restore_into.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/counted.h"
#include "base/fd.h"
#include "config/silent_paths.h"
#include "control/caller.h"
#include "control/internal/choose_point.h"
#include "control/internal/judge_status.h"
#include "control/internal/opened.h"
#include "control/internal/progress_ticker.h"
#include "control/internal/recorded_run.h"
#include "control/internal/restore_guards.h"
#include "control/internal/restore_words.h"
#include "control/report_json.h"
#include "recovery/store_access.h"
#include "stores/disk/tree.h"

namespace salvor::control {
namespace {

using internal::RestoreTarget;

std::vector<RestoreTarget> choose_targets(const repo::Point& point, const RestoreRequest& request) {
  const std::filesystem::path into = std::filesystem::absolute(request.into).lexically_normal();
  for (const std::string& name : request.stores) internal::find_snapshot(point, name);
  std::vector<RestoreTarget> targets;
  for (const repo::Snapshot& snapshot : point.snapshots) {
    const auto& only = request.stores;
    if (only.empty() || std::find(only.begin(), only.end(), snapshot.store) != only.end()) {
      targets.push_back({&snapshot, into / snapshot.store});
    }
  }
  return targets;
}

RestoredStore restore_store(repo::Repository& repository, const RestoreTarget& target, bool delta,
                            backup::Progress& progress, const Caller& caller) {
  Clock& clock = Clock::system();
  const Time start = clock.monotonic();
  const repo::Snapshot& snapshot = *target.snapshot;
  const stores::Type& type = stores::type_named(snapshot.type);
  const auto sink = type.sink(target.path, delta);
  recovery::RestoreOptions options;
  options.delta = delta;
  options.progress = &progress;
  options.stop = caller.stop;
  RestoredStore restored;
  restored.name = snapshot.store;
  restored.type = snapshot.type;
  restored.path = target.path.native();
  try {
    restored.result = recovery::restore(repository, snapshot, *sink, options);
    const auto copy = type.copy_within(target.path, recovery::first_key(repository, snapshot));
    for (std::string& remark : type.remarks(copy, snapshot.facts)) {
      restored.result.sink.warnings.push_back(std::move(remark));
    }
  } catch (const Error& error) {
    const std::string context =
        fmt::format("store {}, into {}", snapshot.store, printable(target.path.native()));
    if (error.code() != ErrorCode::cancelled) throw error.with_context(context);
    throw Error(ErrorCode::cancelled, context + ": " + error.message(),
                fmt::format("run the same command again with --delta, or remove the directory: it "
                            "is not complete, and has the marker {} until it is",
                            stores::disk::kIncompleteMarker));
  }
  restored.duration_s = clock.monotonic().seconds_since(start);
  return restored;
}

RestoredStore tell_step(const Caller& caller, StepTold step,
                        const std::function<RestoredStore()>& restore) {
  step.state = "began";
  caller.tell(step);
  try {
    RestoredStore restored = restore();
    step.state = "done";
    step.seconds = restored.duration_s;
    caller.tell(step);
    return restored;
  } catch (const Error& error) {
    step.state = "failed";
    step.error = error.message();
    caller.tell(step);
    throw;
  }
}

/// What the caller shows with the report.
void tell_warnings(const RestoreReport& report, const Caller& caller) {
  for (const std::string& note : report.notes) caller.tell(Warning{note, {}, {}});
  for (const RestoredStore& store : report.stores) {
    const stores::SinkReport& sink = store.result.sink;
    const std::string where = "store " + store.name;
    for (const std::string& line : sink.warnings) caller.tell(Warning{printable(line), where, {}});
    if (sink.moved_aside == 0) continue;
    const bool is_one = sink.moved_aside == 1;
    caller.tell(
        Warning{fmt::format("{} that {} not belong there {} moved to {}",
                            counted(sink.moved_aside, "entry", "entries"), is_one ? "does" : "do",
                            is_one ? "was" : "were", printable(sink.moved_aside_to)),
                where,
                {}});
  }
}

std::string step_of(const std::string& store) {
  return name_of(recovery::StepId(recovery::StepKind::restore_store, store));
}

void describe(const RestoreReport& report, const RestoreRequest& request,
              evidence::EvidenceRecord& evidence) {
  evidence.result = "succeeded";
  // A restore of some stores proves nothing about the time that the whole service takes.
  const bool whole = request.stores.empty() && report.point.is_whole();
  if (whole) evidence.rto_measured_s = report.duration_s;
  for (const RestoredStore& store : report.stores) {
    evidence.phases.push_back({step_of(store.name), store.duration_s, "done"});
    for (const std::string& warning : store.result.sink.warnings) {
      evidence.deviations.push_back(fmt::format("store {}: {}", store.name, warning));
    }
  }
  for (const repo::Snapshot& snapshot : report.point.snapshots) {
    const bool restored =
        std::any_of(report.stores.begin(), report.stores.end(),
                    [&](const RestoredStore& store) { return store.name == snapshot.store; });
    if (restored) continue;
    evidence.not_covered.push_back(fmt::format("store {}: not asked for", snapshot.store));
  }
  if (report.point.is_partial()) {
    evidence.not_covered.emplace_back("the point has only some of the stores");
  }
  evidence.not_covered.emplace_back("the service on the restored data: it was restored beside");
}

void restore_all(repo::Repository& repository, const std::vector<RestoreTarget>& targets,
                 const RestoreRequest& request, const Caller& caller, RestoreReport& report) {
  make_private_directories(targets.front().path.parent_path());
  backup::Progress progress;
  const internal::ProgressTicker ticker(
      caller, [&progress] { return internal::phase_of("restore", progress); });
  for (const RestoreTarget& target : targets) {
    const StepTold step{
        step_of(target.snapshot->store), report.stores.size() + 1, targets.size(), {}, 0, {}};
    report.stores.push_back(tell_step(caller, step, [&] {
      return restore_store(repository, target, request.delta, progress, caller);
    }));
  }
  std::vector<recovery::StoreOutcome> outcomes;
  for (const RestoredStore& store : report.stores) {
    outcomes.push_back({store.name, store.result.sink.not_made});
  }
  recovery::require_complete(outcomes);
}

/// A point and targets that a restore beside can be made with.
struct Chosen {
  internal::OpenedPoint at;
  std::vector<std::string> notes;      ///< what should be known of the point
  std::vector<RestoreTarget> targets;  ///< refer to the point

  std::vector<std::string> stores() const {
    std::vector<std::string> names;
    for (const RestoreTarget& target : targets) names.push_back(target.snapshot->store);
    return names;
  }
};

std::unique_ptr<Chosen> choose(const config::Config& config, const RestoreRequest& request,
                               const Caller& caller, internal::Logbook& logbook) {
  auto chosen = std::make_unique<Chosen>();
  chosen->at = internal::open_point(config, logbook, request.service, request.at, request.stores,
                                    caller, internal::options_of(request));
  const repo::Point& point = chosen->at.point;
  chosen->notes = internal::notes_on(*chosen->at.opened.repository, chosen->at.owner, point,
                                     Clock::system().now());
  for (std::string& line : internal::lacks_of(nullptr, point)) {
    chosen->notes.push_back(std::move(line));
  }
  chosen->targets = choose_targets(point, request);
  std::vector<config::NamedPath> named;
  for (const RestoreTarget& target : chosen->targets) named.push_back({target.path, "the target"});
  config::require_answers_of(named, config, caller.stop);
  internal::guard_restore(config, chosen->targets, request.delta);
  return chosen;
}

}  // namespace

RestoreReport restore_into(const config::Config& config, const RestoreRequest& request,
                           const Caller& caller) {
  internal::RunWarnings warnings(caller);
  internal::Logbook logbook(config);
  // A request that is refused before the plan is no run.
  const auto chosen = choose(config, request, caller, logbook);
  repo::Repository& repository = *chosen->at.opened.repository;
  internal::RecordedRun run(config, logbook, catalog::RunKind::restore, request.service, caller,
                            warnings);
  run.tell_began(chosen->stores());
  run.opened(repository);
  return run.carry_out([&] {
    const Time start = Clock::system().monotonic();
    RestoreReport report;
    report.run = run.id();
    report.point = chosen->at.point;
    report.notes = chosen->notes;
    run.evidence().point = report.point;
    run.evidence().rpo_measured_s = internal::age_s(report.point, run.evidence().started);
    restore_all(repository, chosen->targets, request, caller, report);
    report.duration_s = Clock::system().monotonic().seconds_since(start);
    describe(report, request, run.evidence());
    tell_warnings(report, caller);
    run.finish(report, {});
    return report;
  });
}

}  // namespace salvor::control
