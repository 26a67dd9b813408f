#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "control/caller.h"
#include "repo/repository.h"

/// The verb `init`: creates the repository.
namespace salvor::control {

/// The repository that was created, and who can open it.
struct InitReport {
  std::string repository;
  std::string location;
  std::vector<repo::SlotInfo> slots;
  std::string new_key_file;  ///< the configured key file, when it was missing and was made here
};

/// How to create it.
struct InitRequest {
  bool replace_known = false;  ///< the repository that the catalog knows there is gone for good
};

/// Creates the repository, with a slot for each of the configured passphrase and key file.
/// Errors: conflict, where a repository is already; refused, where the catalog of this host knows
///         one, as its file system may not be mounted; configuration.
InitReport init(const config::Config& config, const InitRequest& request, const Caller& caller);

/// Keys are a contract: docs/cli.md.
std::string to_json(const InitReport& report);

}  // namespace salvor::control
