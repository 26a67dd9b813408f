#pragma once

#include <stop_token>
#include <string>

#include "base/secret.h"

namespace salvor::config {

/// Where a secret is kept; the configuration never holds the secret itself. A value.
struct SecretReference {
  enum class Kind { none, file, environment, command };

  Kind kind = Kind::none;
  std::string value;  ///< a path, the name of a variable, or a command for /bin/sh
};

/// Fetches a passphrase. One newline at its end is not part of it. A command gets no input and no
/// terminal, and 60 seconds.
/// Units:   1 to 4096 bytes.
/// Errors:  configuration: the source is missing, fails, or is empty. What a command prints is
/// never
///          shown: it may be the secret.   A file that others may read is warned about.
///          cancelled, when `stop` was requested; failed: a pipe that nobody writes to within 60 s.
/// Threads: any.
Secret read_passphrase(const SecretReference& reference, std::stop_token stop = {});

}  // namespace salvor::config
