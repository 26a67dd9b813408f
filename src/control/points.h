#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "control/caller.h"
#include "repo/point.h"

/// The verb `points`: which recovery points there are.
namespace salvor::control {

/// A span of time in which every instant of a store can be restored.
struct Window {
  std::string service;
  std::string store;
  Time from;
  Time to;
  std::string timeline;
};

/// The recovery points of a service, or of all.
struct PointsReport {
  std::vector<repo::Point> points;
  std::vector<Window> windows;
  /// Points whose newest drill has failed, and its run, as far as this machine knows.
  std::map<repo::PointId, std::string> failed_drills;
};

/// Errors: not_found: neither the configuration nor the repository knows the service.
PointsReport list_points(const config::Config& config, const std::string& service,
                         const Caller& caller);

/// The point that was accepted.
struct AcceptReport {
  repo::Point point;
  bool was_suspect = false;  ///< false: nothing was to be accepted
};

/// Makes a suspect point good, for all hosts. `point`: its id, or the beginning of it.
/// Errors: not_found; usage: "latest", or several begin so.
AcceptReport accept_point(const config::Config& config, const std::string& point,
                          const Caller& caller);

/// Keys are a contract: docs/cli.md.
std::string to_json(const PointsReport& report);
std::string to_json(const AcceptReport& report);

}  // namespace salvor::control
