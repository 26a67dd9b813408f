#pragma once

#include <string>
#include <vector>

#include "control/internal/records.h"

namespace salvor::control::internal {

/// The restores in place of a service that this machine knows to have succeeded, closed ones too,
/// the newest first. Without a catalog: none. `repository`: the id of the one that they are of.
std::vector<catalog::RunRow> restores_in_place(Records& records, const std::string& service,
                                               const std::string& repository);

}  // namespace salvor::control::internal
