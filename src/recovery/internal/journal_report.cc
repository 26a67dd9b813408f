#include "recovery/internal/journal_report.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/json.h"
#include "base/process_identity.h"
#include "checks/outcome_json.h"
#include "recovery/internal/steps.h"

namespace salvor::recovery {
namespace {

// In the order of the enumeration; evidence and docs/cli.md have them.
constexpr std::array<std::string_view, 6> kResults{"planned", "began",  "done",
                                                   "failed",  "undone", "not_run"};

}  // namespace

std::string_view name_of(StepResult result) {
  return kResults[static_cast<std::size_t>(result)];
}

std::optional<StepResult> parse_step_result(std::string_view name) {
  const auto found = std::ranges::find(kResults, name);
  if (found == kResults.end()) return std::nullopt;
  return static_cast<StepResult>(found - kResults.begin());
}

double RunOutcome::step_seconds() const {
  double seconds = 0;
  for (const StepOutcome& step : steps) seconds += step.seconds;
  return seconds;
}

namespace internal {
namespace {

StepOutcome step_in(const Journal& journal, const StepId& id) {
  StepOutcome outcome;
  outcome.id = id;
  for (const JournalEntry& entry : journal.entries()) {
    if (entry.step != id || entry.event == Event::undoing) continue;
    // An event has the same name as the state that it leaves the step in.
    outcome.result = parse_step_result(name_of(entry.event)).value_or(outcome.result);
    if (entry.event == Event::done || entry.event == Event::failed) outcome.seconds = entry.seconds;
    if (entry.event == Event::done) outcome.data = entry.data;
    outcome.error = entry.error;
  }
  return outcome;
}

/// What the checks of a step found when it was done or failed. Empty: nothing, or the step has
/// begun again since.
std::string found_by(const Journal& journal, const StepId& step) {
  std::string data;
  for (const JournalEntry& entry : journal.entries()) {
    if (entry.step != step) continue;
    if (entry.event == Event::began) data.clear();
    if (entry.event == Event::done || entry.event == Event::failed) data = entry.data;
  }
  return data;
}

/// Every step of the plan, as it stands.
std::vector<StepOutcome> steps_in(const Journal& journal, const Plan& plan) {
  std::vector<StepOutcome> steps;
  for (const PlanStep& step : steps_of(plan)) {
    // Steps that a drill does not run are listed where they would have been.
    if (step.id == StepKind::validate) {
      for (PlanStep& not_run : steps_not_run(plan)) {
        steps.emplace_back().id = std::move(not_run.id);
        steps.back().result = StepResult::not_run;
      }
    }
    steps.push_back(step_in(journal, step.id));
  }
  return steps;
}

std::vector<std::string> deviations_in(const Journal& journal) {
  std::vector<std::string> deviations;
  for (const JournalEntry& entry : journal.entries()) {
    deviations.insert(deviations.end(), entry.deviations.begin(), entry.deviations.end());
  }
  return deviations;
}

/// What a run that was abandoned has left where, a line each; empty for every other one.
std::vector<std::string> left_in(const Journal& journal) {
  std::vector<std::string> left;
  for (const JournalEntry& entry : journal.entries()) {
    if (entry.event == Event::ended && entry.data == name_of(RunState::abandoned))
      left = entry.deviations;
  }
  return left;
}

/// The seconds from the run's beginning to the end of its last step, without watch and tear-down.
/// Pauses count, since people wait through them. At least the sum of the steps.
double recovery_seconds_in(const Journal& journal) {
  if (journal.empty()) return 0;
  double of_steps = 0;
  double by_clock = 0;
  for (const JournalEntry& entry : journal.entries()) {
    if (entry.event != Event::done || is_afterwards(entry.step)) continue;
    of_steps += entry.seconds;
    by_clock = entry.time.seconds_since(journal.entries().front().time);
  }
  // A clock that was set back, or differs on another host, must not shorten it.
  return std::max(of_steps, by_clock);
}

/// When the run was last at work: the records that close or abandon it don't count. Empty: it has
/// not ended.
std::optional<Time> work_ended_in(const Journal& journal) {
  if (!journal.state()) return std::nullopt;
  const auto is_work = [](const JournalEntry& entry) {
    const bool gives_up =
        entry.event == Event::ended &&
        (entry.data == name_of(RunState::closed) || entry.data == name_of(RunState::abandoned));
    return entry.event != Event::lost && !gives_up;
  };
  const auto& entries = journal.entries();
  const auto last = std::find_if(entries.rbegin(), entries.rend(), is_work);
  return last == entries.rend() ? std::nullopt : std::optional(last->time);
}

}  // namespace

RunOutcome outcome_in(const Journal& journal, const Plan& plan, RunState state) {
  RunOutcome outcome;
  outcome.plan = plan;
  outcome.state = state;
  const auto first = std::ranges::find_if(
      journal.entries(), [](const JournalEntry& entry) { return entry.event != Event::lost; });
  if (first != journal.entries().end()) {
    outcome.started = first->time;
    outcome.noted = journal.last().time;
  }
  outcome.ended = work_ended_in(journal);
  if (!plan.stores.empty()) outcome.steps = steps_in(journal, plan);
  outcome.checks = checks_in(journal);
  outcome.deviations = deviations_in(journal);
  outcome.recovery_seconds = recovery_seconds_in(journal);
  outcome.safety_points = safety_points_in(journal);
  outcome.left = left_in(journal);
  outcome.healthy = was_healthy(journal.data(StepKind::watch));
  return outcome;
}

std::vector<checks::CheckOutcome> checks_in(const Journal& journal) {
  std::vector<checks::CheckOutcome> checks;
  for (const StepId& step : checking_steps()) {
    const std::string data = found_by(journal, step);
    if (data.empty()) continue;
    for (checks::CheckOutcome& outcome : checks::outcomes_of(data))
      checks.push_back(std::move(outcome));
  }
  return checks;
}

std::vector<repo::PointId> safety_points_in(const Journal& journal) {
  const auto json = try_parse_json(journal.data(StepKind::safety_snapshot));
  std::vector<repo::PointId> points;
  if (!json.is_array()) return points;
  for (const auto& point : json) {
    const auto id = repo::PointId::parse(point.is_string() ? point.get<std::string>() : "");
    if (id) points.push_back(*id);
  }
  return points;
}

Plan plan_in(const Journal& journal, const std::string& run) {
  const auto& entries = journal.entries();
  const auto found = std::find_if(entries.rbegin(), entries.rend(), [](const JournalEntry& entry) {
    return entry.event == Event::planned || entry.event == Event::replanned;
  });
  if (found != entries.rend()) return parse_plan(found->data);
  throw Error(ErrorCode::not_found, "the repository has no journal of run " + printable(run),
              "`salvor runs` lists the runs; the whole id is needed where the catalog is lost");
}

RunState state_in(const Journal& journal) {
  if (const auto state = journal.state()) return *state;
  if (journal.liveness(journal.last().process) == Liveness::alive) return RunState::running;
  return journal.last().event == Event::failed ? RunState::failed : RunState::interrupted;
}

}  // namespace internal
}  // namespace salvor::recovery
