#pragma once

#include <stop_token>
#include <string>

#include "base/secret.h"

namespace salvor::config {

/// Where a secret is kept. The configuration never holds the secret itself. A value.
struct SecretReference {
  /// What `value` is: a path, the name of a variable, or a command for /bin/sh.
  enum class Kind { none, file, environment, command };

  Kind kind = Kind::none;
  std::string value;
};

/// Fetches a passphrase. One newline at its end is not part of it. A command gets no input, no
/// terminal, and 60 seconds. What it prints is never shown: it may be the secret. It warns about a
/// file that others may read.
/// Units:   1 to 4096 bytes.
/// Errors:  configuration: the source is missing, fails, is empty or is too long; cancelled, when
///          `stop` was requested; failed: a pipe that nobody writes to within 60 s.
/// Threads: any; blocks.
Secret read_passphrase(const SecretReference& reference, std::stop_token stop = {});

}  // namespace salvor::config
