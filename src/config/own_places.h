#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "service/service.h"

/// What is salvor's own and may lie in a store of files: its state, and the directories of its
/// drills.
namespace salvor::config {

/// Adds to what each store of files excludes the places of salvor's own that lie in it: the state
/// directory, into which every run writes, and the directories into which drills restore. A restore
/// in place leaves them with the live path, as all that is excluded. load_config() calls it.
void leave_out_own_places(Config& config);

/// The pattern that leaves this path out of its store, as TOML for the key `exclude`.
/// `relative`: to the store's root.
std::string exclude_text(const std::filesystem::path& relative, bool is_directory);

/// A sentence for each secret of the repository that a store of files would back up: whoever gets
/// such a recovery point gets the key to all of them.
std::vector<std::string> secrets_in_stores(const Config& config);

/// Errors: configuration: a store is the state directory, or this machine's catalog.
void refuse_own_places(const Config& config);

/// Where the drills of a service have their directories.
std::filesystem::path staging_root(const Config& config, const service::Service& service);

}  // namespace salvor::config
