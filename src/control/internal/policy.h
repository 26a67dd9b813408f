#pragma once

#include <string>

#include "config/config.h"

namespace salvor::control::internal {

/// SHA-256 of what the configuration says of a service, hexadecimal: two runs with the same digest
/// ran under the same policy.
/// Shape:  of canonical JSON of the whole service, each member as a plan has it; durations in
///         seconds, paths absolute; what is not set is null.
/// Errors: none.
std::string policy_sha256(const config::ServiceConfig& service);

}  // namespace salvor::control::internal
