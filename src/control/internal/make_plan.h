#pragma once

#include "control/config.h"
#include "control/control.h"
#include "recovery/plan.h"
#include "repo/point.h"

namespace salvor::control::internal {

struct PlanChoices {
  recovery::Mode mode = recovery::Mode::restore;
  std::vector<std::string> only;  ///< stores; empty: all of the point
  bool safety_snapshot = true;
  std::vector<std::string> unsaved;  ///< stores without a safety snapshot
  bool compare_content = false;
  bool in_place_delta = false;
};

PlanChoices choices_of(const PlanRequest& request);

/// What the configuration says about restoring a service to a point: pure. Run, staging, trigger
/// and who confirmed are left to the caller. Errors: not_found: a store that the point or the
/// configuration does not have; configuration: its type is another one now.
recovery::Plan make_plan(const Config& config, const ServiceConfig& service,
                         const repo::Point& point, const PlanChoices& choices);

}  // namespace salvor::control::internal
