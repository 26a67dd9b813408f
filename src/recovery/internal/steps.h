#pragma once

#include <memory>
#include <vector>

#include "recovery/step.h"

/// What makes each step. Their sources are in steps/; those that do the same at another moment
/// share one (changes.cc, validate.cc).
namespace salvor::recovery::internal {

using Steps = std::vector<std::unique_ptr<Step>>;

#define STEP(name, runs) Steps make_##name(const Plan& plan);
#include "recovery/internal/steps.def"
#undef STEP

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
