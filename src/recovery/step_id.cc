#include "recovery/step_id.h"

#include <algorithm>
#include <iterator>

#include "recovery/internal/steps.h"

namespace salvor::recovery {
namespace {

/// In which runs a step can be, and what it is for.
enum class In { every_run, restores, drills };
enum class Purpose { work, checks, afterwards };

struct StepRow {
  StepKind kind;
  std::string_view name;
  In runs;
  Purpose purpose;
  internal::Steps (*make)(const Plan& plan, bool again);
  bool again;
};

constexpr StepRow kSteps[] = {
#define STEP(kind, name, runs, purpose) \
  {StepKind::kind, name, In::runs, Purpose::purpose, internal::make_##kind, false},
#define STEP_AGAIN(kind, name, runs, purpose) \
  {StepKind::kind, name, In::runs, Purpose::purpose, internal::make_##kind, true},
#include "recovery/steps.def"
};

bool has_subject(const StepRow& row) {
  return row.name.ends_with('-');
}

}  // namespace

std::string name_of(const StepId& step) {
  const auto* row = std::ranges::find(kSteps, step.kind, &StepRow::kind);
  return (row == std::end(kSteps) ? "" : std::string(row->name)) + step.subject;
}

StepId parse_step(std::string_view name) {
  if (name.empty()) return {};
  const auto* row = std::ranges::find_if(kSteps, [name](const StepRow& each) {
    return has_subject(each) ? name.starts_with(each.name) : name == each.name;
  });
  if (row == std::end(kSteps)) return {StepKind::unknown, std::string(name)};
  return {row->kind, std::string(name.substr(row->name.size()))};
}

std::vector<StepId> checking_steps() {
  std::vector<StepId> steps;
  for (const StepRow& row : kSteps) {
    if (row.purpose == Purpose::checks) steps.emplace_back(row.kind);
  }
  return steps;
}

bool is_afterwards(const StepId& step) {
  const auto* row = std::ranges::find(kSteps, step.kind, &StepRow::kind);
  return row != std::end(kSteps) && row->purpose == Purpose::afterwards;
}

internal::Steps internal::make_steps(const Plan& plan) {
  const In runs = plan.mode == service::Mode::drill ? In::drills : In::restores;
  Steps steps;
  for (const StepRow& row : kSteps) {
    if (row.runs != In::every_run && row.runs != runs) continue;
    for (auto& step : row.make(plan, row.again)) steps.push_back(std::move(step));
  }
  return steps;
}

std::vector<PlanStep> steps_of(const Plan& plan) {
  std::vector<PlanStep> steps;
  for (const auto& step : internal::make_steps(plan)) {
    steps.push_back({step->id(), step->what(plan), step->can_be_undone()});
  }
  return steps;
}

}  // namespace salvor::recovery
