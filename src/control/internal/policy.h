#pragma once

#include <string>

#include "service/service.h"

namespace salvor::control::internal {

/// SHA-256 of what the configuration says of a service, hexadecimal: two runs with the same digest
/// ran under the same policy.
/// Shape:  of the service's JSON (service/service_json.h), with its keys sorted.
/// Errors: none.
std::string policy_sha256(const service::Service& service);

}  // namespace salvor::control::internal
