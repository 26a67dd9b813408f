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
#define STEP(name, runs) {In::runs, internal::make_##name},
#include "recovery/internal/steps.def"
#undef STEP
};

}  // namespace

std::vector<std::unique_ptr<Step>> make_steps(const Plan& plan) {
  const In runs = plan.mode == service::Mode::drill ? In::drills : In::restores;
  internal::Steps steps;
  for (const StepRow& row : kSteps) {
    if (row.runs != In::every_run && row.runs != runs) continue;
    for (auto& step : row.make(plan)) steps.push_back(std::move(step));
  }
  return steps;
}

std::vector<std::string> step_names(const Plan& plan) {
  std::vector<std::string> names;
  for (const auto& step : make_steps(plan)) names.push_back(step->name());
  return names;
}

}  // namespace salvor::recovery
