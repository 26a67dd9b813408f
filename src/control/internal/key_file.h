#pragma once

#include <filesystem>
#include <string>

#include "base/secret.h"

/// Key files (docs/format.md, section 5).
namespace salvor::control::internal {

/// The private key in a key file. A file that others may read is warned about.
/// Errors: configuration: it is missing, unreadable, or no key file.
Secret read_key_file(const std::filesystem::path& path);

/// Writes a new private key to `path`, 0600, durably; returns the public key.
/// Errors: refused: something is there already.
Bytes make_key_file(const std::filesystem::path& path);

}  // namespace salvor::control::internal
