#pragma once

#include <memory>
#include <vector>

#include "recovery/internal/step.h"

/// What makes each step. Their sources are in steps/.
namespace salvor::recovery::internal {

using Steps = std::vector<std::unique_ptr<Step>>;

#define STEP(kind, name, runs, purpose) Steps make_##kind(const Plan& plan, bool again);
#define STEP_AGAIN(kind, name, runs, purpose)
#include "recovery/steps.def"

/// The steps of a plan, in order.
Steps make_steps(const Plan& plan);

/// One step of this kind, where it `applies`.
template <class Kind>
Steps one(bool applies = true) {
  Steps steps;
  if (applies) steps.push_back(std::make_unique<Kind>());
  return steps;
}

/// Of what the watch remembered.
bool was_healthy(const std::string& data);

}  // namespace salvor::recovery::internal
