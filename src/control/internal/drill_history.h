#pragma once

#include <optional>
#include <string>

#include "control/control.h"
#include "control/internal/records.h"
#include "repo/repository.h"

namespace salvor::control::internal {

/// What is known of the drills of a service.
struct DrillHistory {
  std::optional<DrillSummary> last;
  std::optional<DrillSummary> last_success;
};

/// From this machine's catalog, and from the evidence, which other hosts write, too: the newest of
/// both. `repository`: null where it can't be opened.
/// Errors: none: what can't be read is not known.
DrillHistory read_drill_history(Records& records, repo::Repository* repository,
                                const std::string& service);

/// How long a drill's success proves something: one and a half intervals of the schedule, 31 days
/// without one.   Units: seconds.
double drill_limit_s(const ServiceConfig& service, Time now);

}  // namespace salvor::control::internal
