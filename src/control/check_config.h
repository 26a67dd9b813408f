#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "control/caller.h"

/// The verb `config check`: whether everything that the configuration names can be reached.
namespace salvor::control {

/// One store of the configuration, and whether a backup could read it.
struct StoreReachability {
  std::string service;
  std::string store;
  std::string type;
  std::string path;
  std::string problem;  ///< empty: it can be read
};

/// What `config check` found.
struct ConfigCheckReport {
  std::string file;
  std::string location;
  std::string host;                ///< whose recovery points backups are
  std::vector<std::string> notes;  ///< what should be known, and is no problem
  std::vector<StoreReachability> stores;
  std::vector<std::string> warnings;  ///< what may not work: no error
  bool repository_absent = false;     ///< no problem: `init` has not been run yet
  std::string repository_problem;     ///< empty: it is absent, or is there and opens
  bool unreachable = false;           ///< one of the problems is a path that does not answer

  bool good() const;
};

/// Looks whether everything that the configuration names can be reached; reads no content.
/// Errors: configuration, for paths that lie in each other.
ConfigCheckReport check_config(const config::Config& config, const Caller& caller);

/// Keys are a contract: docs/cli.md.
std::string to_json(const ConfigCheckReport& report);

}  // namespace salvor::control
