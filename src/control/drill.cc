#include "control/drill.h"

#include <fmt/format.h>

#include <atomic>

#include "base/deadline.h"
#include "base/log.h"
#include "config/own_places.h"
#include "config/silent_paths.h"
#include "control/caller.h"
#include "control/internal/choose_point.h"
#include "control/internal/judge_status.h"
#include "control/internal/make_plan.h"
#include "control/internal/missing_evidence.h"
#include "control/internal/opened.h"
#include "control/internal/progress_ticker.h"
#include "control/internal/recorded_run.h"
#include "control/internal/run_evidence.h"
#include "control/internal/staging.h"
#include "control/internal/surroundings.h"
#include "control/internal/uncovered.h"
#include "control/plan_restore.h"
#include "control/report_json.h"
#include "control/runbook.h"
#include "control/service_status.h"

namespace salvor::control {
namespace {

using checks::Verdict;
using internal::Logbook;
using recovery::RunOutcome;

/// One drill, from the configuration to its outcome.
class Drill {
 public:
  Drill(const config::Config& config, const service::Service& service, const Caller& caller,
        Logbook& logbook)
      : config_(config), service_(service), caller_(caller), logbook_(logbook) {}

  /// A refusal here is a mistake of the request, and no run is recorded.   Errors: not_found,
  /// usage.
  void choose(const std::string& at) {
    chosen_ = internal::open_point(config_, logbook_, service_.name, at, {}, caller_);
    at_ = at;
  }

  /// The stores of the chosen point; empty before one is chosen.
  std::vector<std::string> stores() const {
    std::vector<std::string> names;
    for (const repo::Snapshot& snapshot : chosen_.point.snapshots) names.push_back(snapshot.store);
    return names;
  }

  DrillReport run(internal::RecordedRun& run) {
    const auto& [opened, owner, point] = chosen_;
    run.opened(*opened.repository);
    internal::settle_ended_restores(config_, *opened.repository, logbook_);
    for (std::string& note :
         internal::notes_on(*opened.repository, owner, point, run.evidence().started)) {
      caller_.tell(Note{std::move(note)});
    }
    DrillReport report;
    report.not_covered = internal::lacks_of(&service_, point);
    report.outcome = rehearse(*opened.repository, point, run.id());
    describe(point, report);
    complete(report, point, run.evidence());
    const auto& failure = report.outcome.failure;
    run.finish(report, {report.outcome.state, failure ? failure->message() : "", failure});
    return report;
  }

 private:
  std::filesystem::path staging_root() const {
    if (service_.staging) return config::staging_root(config_, service_);
    return internal::work_place(config_) / "drills";
  }

  recovery::Plan plan_of(const repo::Point& point, const std::string& run,
                         const std::filesystem::path& root) const {
    recovery::Plan plan =
        internal::make_plan(config_, service_, point, service::Mode::drill, PlanRequest{});
    plan.run = run;
    plan.trigger = caller_.trigger;
    plan.staging = root / run;
    return plan;
  }

  /// From here on every error is a failure of the drill.
  RunOutcome rehearse(repo::Repository& repository, const repo::Point& point,
                      const std::string& run) {
    const Deadline deadline(caller_.stop, service_.drill.timeout_s);
    Clock& clock = Clock::system();
    const Time start = clock.monotonic();
    RunOutcome outcome;
    try {
      const std::filesystem::path root = staging_root();
      const recovery::Plan plan = plan_of(point, run, root);
      outcome.plan = plan;
      internal::Staging staging(root, run);
      outcome = execute(repository, plan, deadline);
      staging.remove();
    } catch (const std::exception& error) {
      const auto* known = dynamic_cast<const Error*>(&error);
      if (!outcome.failure) {
        outcome.failure = known != nullptr ? *known : Error(ErrorCode::failed, error.what());
      }
      outcome.state = catalog::RunState::failed;
      outcome.call_seconds = clock.monotonic().seconds_since(start);
    }
    if (deadline.passed() && outcome.failure) outcome.failure = too_long(outcome);
    if (outcome.failure) outcome.failure = with_next_command(*outcome.failure, run);
    return outcome;
  }

  RunOutcome execute(repo::Repository& repository, const recovery::Plan& plan,
                     const Deadline& deadline) {
    recovery::StoreAccess access(internal::surroundings_of_restore(config_));
    backup::Progress progress;
    const std::vector<recovery::PlanStep> steps = recovery::steps_of(plan);
    std::atomic<std::size_t> at = 0;
    const internal::ProgressTicker ticker(caller_, [&] {
      const std::size_t number = at;
      return internal::phase_of(number == 0 ? "drill" : "drill: " + name_of(steps[number - 1].id),
                                progress);
    });
    recovery::ExecuteOptions options;
    options.stop = deadline.token();
    options.progress = &progress;
    options.catalog = logbook_.catalog();
    options.say = [this](const std::string& line) { caller_.tell(Note{line}); };
    options.on_step = [this, &at](const recovery::StepOutcome& step, std::size_t number,
                                  std::size_t count) {
      at = number;
      caller_.tell(internal::told_of(step, number, count));
    };
    return recovery::execute(repository, access, plan, options);
  }

  /// A drill is not resumed or undone, but run again. A drill of a damaged point would fail again.
  Error with_next_command(const Error& error, const std::string& run) const {
    if (error.code() == ErrorCode::corruption) {
      return {error.code(), error.message(),
              fmt::format("see which points and paths are affected: salvor verify --data; see what "
                          "the drill found: salvor runs show {}; {}",
                          run, way_past_damage())};
    }
    const std::string first = error.hint().empty() ? "" : error.hint() + "; ";
    return {error.code(), error.message(),
            fmt::format("{}see what it found: salvor runs show {}; run it again: {}", first, run,
                        command())};
  }

  std::string way_past_damage() const {
    const auto& [opened, owner, damaged] = chosen_;
    const repo::Point* older = nullptr;
    for (const repo::Point& point : opened.repository->points()) {
      if (point.id == damaged.id) break;
      if (owner.has(point) && point.is_good()) older = &point;
    }
    if (older == nullptr) {
      return "there is no older good point: repair what can be repaired: salvor verify --data "
             "--repair; take a new one, which stores again what the live data still has: salvor "
             "backup " +
             printable(service_.name) + "; then drill again: salvor drill " +
             printable(service_.name);
    }
    return fmt::format("rehearse an older point: salvor drill {} --at {}", printable(service_.name),
                       older->id.hex());
  }

  /// The command that repeats the drill of this point.
  std::string command() const {
    std::string command = "salvor drill " + service_.name;
    if (at_ == DrillRequest{}.at) return command;
    const bool is_word = at_.find_first_of(" \t'\"\\$`") == std::string::npos;
    return command + " --at " + (is_word ? at_ : '"' + printable(at_) + '"');
  }

  Error too_long(const RunOutcome& outcome) const {
    std::string where;
    for (const recovery::StepOutcome& step : outcome.steps) {
      if (step.result == recovery::StepResult::failed) where = " in step " + name_of(step.id);
    }
    return {ErrorCode::failed,
            fmt::format("the drill did not end within its time limit of {}: it was stopped{}",
                        human_duration(static_cast<double>(service_.drill.timeout_s)), where),
            fmt::format("see which step took long, or raise timeout in [service.{}.drill]",
                        service_.name)};
  }

  void describe(const repo::Point& point, DrillReport& report) const {
    const RunOutcome& outcome = report.outcome;
    report.rto_s = service_.rto_s;
    for (const service::Store& store : service_.stores) {
      if (point.find(store.name) != nullptr) continue;
      report.whole = false;
      report.not_covered.push_back(
          fmt::format("store {} is not in recovery point {}", store.name, point.id.hex()));
    }
    if (service_.rto_s && report.whole && !outcome.failure) {
      report.rto_met = outcome.recovery_seconds <= static_cast<double>(*service_.rto_s);
    }
    for (const UncoveredPath& path : internal::find_uncovered(config_, service_)) {
      report.not_covered.push_back(internal::describe(path));
    }
    for (const recovery::PlanStep& step : recovery::steps_not_run(outcome.plan)) {
      report.not_covered.push_back(
          fmt::format("step {}: not run: {} does not know of the copy: it mentions neither "
                      "SALVOR_STORE_… nor SALVOR_MODE",
                      name_of(step.id), printable(step.what)));
    }
    for (const checks::CheckOutcome& check : outcome.checks) {
      if (check.verdict != Verdict::skipped) continue;
      report.not_covered.push_back(
          fmt::format("check {}: {}", printable(check.name), printable(check.actual)));
    }
  }

  static void complete(const DrillReport& report, const repo::Point& point,
                       evidence::EvidenceRecord& evidence) {
    const RunOutcome& outcome = report.outcome;
    internal::describe_outcome(outcome, evidence);
    evidence.point = point;
    evidence.rpo_measured_s = internal::age_s(point, evidence.started);
    if (!outcome.failure && report.whole) evidence.rto_measured_s = outcome.recovery_seconds;
    evidence.not_covered = report.not_covered;
  }

  const config::Config& config_;
  const service::Service& service_;
  const Caller& caller_;
  Logbook& logbook_;
  internal::OpenedPoint chosen_;
  std::string at_;  ///< as it was given
};

bool was_asked_wrongly(const std::exception& error) {
  const auto* known = dynamic_cast<const Error*>(&error);
  return known != nullptr &&
         (known->code() == ErrorCode::usage || known->code() == ErrorCode::not_found);
}

/// The drill is over and recorded. A page that can't be written does not change its result.
void rewrite_runbook(const config::Config& config, const service::Service& service,
                     const Caller& caller, DrillReport& report) {
  if (!service.runbook) return;
  try {
    Caller silent;
    silent.trigger = caller.trigger;
    report.runbook = runbook(config, {service.name, service.runbook->native()}, silent).file;
  } catch (const std::exception& error) {
    log::warning("the runbook could not be written: {}", error.what());
  }
}

}  // namespace

DrillReport drill(const config::Config& config, const DrillRequest& request, const Caller& caller) {
  config::check_paths(config);
  const service::Service& service = config.service(request.service);
  config::require_staging_answers(config, service);
  config::check_overlaps(config, service);
  internal::RunWarnings warnings(caller);
  Logbook logbook(config);
  Drill rehearsal(config, service, caller, logbook);
  std::optional<internal::RecordedRun> run;
  const auto begin = [&] {
    run.emplace(config, logbook, catalog::RunKind::drill, service.name, caller, warnings);
    run->tell_began(rehearsal.stores());
  };
  try {
    rehearsal.choose(request.at);
  } catch (const std::exception& error) {
    if (was_asked_wrongly(error)) throw;
    // A repository that can't be opened is a failed drill: no restore was possible.
    begin();
    run->fail(error);
    throw;
  }
  begin();
  return run->carry_out([&] {
    DrillReport report = rehearsal.run(*run);
    rewrite_runbook(config, service, caller, report);
    return report;
  });
}

}  // namespace salvor::control
