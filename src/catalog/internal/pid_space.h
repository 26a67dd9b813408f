#pragma once

#include <string>

namespace salvor::catalog::internal {

/// The names by which processes are known here; a container has its own.
std::string own_pid_space();

}  // namespace salvor::catalog::internal
