#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "control/caller.h"
#include "repo/repository.h"

/// The verb `keys`: who can open the repository.
namespace salvor::control {

std::vector<repo::SlotInfo> list_keys(const config::Config& config, const Caller& caller);

/// A new way to open the repository: a passphrase or a key file.
struct AddKeyRequest {
  std::string label;
  std::optional<config::SecretReference> passphrase;  ///< one of the two
  std::string recipient;                              ///< 64 hexadecimal digits
};

/// Returns the id of the new slot.
/// Errors: configuration; usage.
std::string add_key(const config::Config& config, const AddKeyRequest& request,
                    const Caller& caller);

/// `slot`: an id, or the beginning of one. Returns the id.
/// Errors: not_found; usage: several begin so; refused: the last one.
std::string remove_key(const config::Config& config, const std::string& slot, const Caller& caller);
void rotate_keys(const config::Config& config, const Caller& caller);

/// Writes a new private key to `file` (0600, must not exist); returns the recipient to add.
/// Errors: refused: the file exists.
std::string generate_key_file(const std::filesystem::path& file);

/// Keys are a contract: docs/cli.md.
std::string to_json(const std::vector<repo::SlotInfo>& keys);

}  // namespace salvor::control
