#pragma once

#include <string>
#include <vector>

namespace salvor::service {

/// How a command is handed to the shell. The command is the last argument, and the shell stays
/// until it has ended, so that running_hook() can tell it by its command line.
std::vector<std::string> shell_arguments(const std::string& command);

}  // namespace salvor::service
