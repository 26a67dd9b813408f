#pragma once

#include <string>

#include "config/config.h"
#include "control/caller.h"

/// The verb `runbook`: what somebody who must restore has to know.
namespace salvor::control {

/// Whose runbook to write.
struct RunbookRequest {
  std::string service;
  std::string file;  ///< where to write it; empty: nowhere
};

/// The page, in Markdown.
struct RunbookReport {
  std::string service;
  std::string markdown;
  std::string file;  ///< empty: it was not written
};

/// The service's restore runbook, as of now. Says what it can, also without a repository.
/// Errors: not_found: the service; failed, no_space: the file.
RunbookReport runbook(const config::Config& config, const RunbookRequest& request,
                      const Caller& caller);

/// Keys are a contract: docs/cli.md.
std::string to_json(const RunbookReport& report);

}  // namespace salvor::control
