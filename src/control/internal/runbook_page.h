#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "control/service_status.h"
#include "service/service.h"

/// The restore runbook of a service: what somebody who was woken at night needs, in Markdown.
namespace salvor::control::internal {

/// Everything that the runbook says. A value.   Units: paths as raw bytes.
struct RunbookData {
  service::Service service;
  config::RepositoryConfig repository;
  ServiceStatus status;
  std::string version;  ///< of salvor
  Time updated;

  std::string config_file;
  std::string host;
  std::string points_host;  ///< whose points the commands restore; empty: every host's
  std::vector<std::string> gaps;
};

/// The whole document. No name, path or command can break out of where it is shown.
/// Errors: none.   Threads: a plain function.
std::string render_runbook(const RunbookData& data);

}  // namespace salvor::control::internal
