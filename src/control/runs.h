#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "config/config.h"
#include "control/caller.h"
#include "recovery/execute.h"

/// The verb `runs`: what this machine has done.
namespace salvor::control {

/// Whether a restore was in place, and not into a directory; empty: it was no restore.
std::optional<bool> is_in_place(const catalog::RunRow& run);

/// Errors: those of the catalog.
std::vector<catalog::RunRow> list_runs(const config::Config& config,
                                       const catalog::RunFilter& filter);

/// One run, with its journal where it has one.
struct RunReport {
  catalog::RunRow row;
  std::optional<recovery::RunOutcome> outcome;  ///< of restores in place and drills: their journal
};

/// `run`: "latest" is the one that list_runs() has first. A run that the catalog does not have is
/// looked for in the repository, by its whole id.
/// Errors: not_found.
RunReport show_run(const config::Config& config, const std::string& run, const Caller& caller);

/// Keys are a contract: docs/cli.md.
std::string to_json(const RunReport& report);
std::string to_json(const catalog::RunRow& run);
std::string to_json(const std::vector<catalog::RunRow>& runs);

}  // namespace salvor::control
