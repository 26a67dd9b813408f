#pragma once

#include "config/config.h"
#include "control/plan_restore.h"
#include "recovery/plan.h"
#include "repo/point.h"

namespace salvor::control::internal {

/// What the configuration says about restoring a service to a point: pure. The service and the
/// point of the request are chosen already; run, staging, trigger and who confirmed are left to the
/// caller. Errors: not_found: a store that the point or the configuration does not have;
/// configuration: its type is another one now.
recovery::Plan make_plan(const config::Config& config, const config::ServiceConfig& service,
                         const repo::Point& point, service::Mode mode, const PlanRequest& request);

/// The commands, checks, references and the watch that a service has now, into a plan of it.
void put_commands(const config::Config& config, const config::ServiceConfig& service,
                  recovery::Plan& plan);

}  // namespace salvor::control::internal
