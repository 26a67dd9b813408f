#pragma once

#include "config/config.h"
#include "control/plan_restore.h"
#include "recovery/plan.h"
#include "repo/point.h"
#include "service/service.h"

namespace salvor::control::internal {

/// What the configuration says about restoring a service to a point: pure. The service and the
/// point of the request are chosen already; run, staging, trigger and who confirmed are left to the
/// caller. Errors: not_found: a store that the point or the configuration does not have;
/// configuration: its type is another one now.
recovery::Plan make_plan(const config::Config& config, const service::Service& service,
                         const repo::Point& point, service::Mode mode, const PlanRequest& request);

}  // namespace salvor::control::internal
