#include "recovery/internal/steps.h"

namespace salvor::recovery {
namespace {

/// In which runs a step can be.
enum class In { every_run, restores, drills };

struct StepRow {
  In runs;
  internal::Steps (*make)(const Plan& plan);
};

constexpr StepRow kSteps[] = {
#define STEP(kind, name, runs, purpose) {In::runs, internal::make_##kind},
#define STEP_AGAIN(kind, runs) {In::runs, internal::make_##kind##_again},
#include "recovery/steps.def"
};

}  // namespace

internal::Steps internal::make_steps(const Plan& plan) {
  const In runs = plan.mode == service::Mode::drill ? In::drills : In::restores;
  Steps steps;
  for (const StepRow& row : kSteps) {
    if (row.runs != In::every_run && row.runs != runs) continue;
    for (auto& step : row.make(plan)) steps.push_back(std::move(step));
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
