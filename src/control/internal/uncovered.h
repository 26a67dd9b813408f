#pragma once

#include <string>
#include <vector>

#include "control/service_status.h"
#include "service/service.h"

namespace salvor::control::internal {

/// What lies under the `protect` paths of a service and in no store of any service: the topmost
/// directories and files, and SQLite databases wherever they are, at most 1000 in all. Symbolic
/// links are not followed; the repository and salvor's own state need no store. Errors: none: what
/// can't be read is left out.
std::vector<UncoveredPath> find_uncovered(const config::Config& config,
                                          const service::Service& service);

/// "/srv/shop/x is in no store (a SQLite database)".
std::string describe(const UncoveredPath& path);

}  // namespace salvor::control::internal
