#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "base/secret.h"

/// Key files (docs/format.md, section 5).
namespace salvor::config {

/// The private key in a key file. A file that others may read is warned about.
/// Errors: configuration: it is missing, unreadable, or no key file; those of read_in_time().
Secret read_key_file(const std::filesystem::path& path, const std::stop_token& stop = {});

/// Writes a new private key to `path`, 0600, durably; returns the public key.
/// Errors: refused: something is there already.
Bytes make_key_file(const std::filesystem::path& path);

}  // namespace salvor::config
