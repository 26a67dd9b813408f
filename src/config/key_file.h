#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "base/secret.h"

/// Key files (docs/format.md, section 5): one line with a private key, which opens a repository
/// whose key slot was made for its public key.
namespace salvor::config {

/// The private key in a key file. It warns about a file that others may read.
/// Errors: configuration: the file is missing, can't be opened, or is no key file; cancelled or
///         failed, as for read_passphrase().
Secret read_key_file(const std::filesystem::path& path, const std::stop_token& stop = {});

/// Writes a new private key to `path`, mode 0600, durably. Returns the public key.
/// Errors: refused: something is there already. A key file is never overwritten.
Bytes make_key_file(const std::filesystem::path& path);

}  // namespace salvor::config
