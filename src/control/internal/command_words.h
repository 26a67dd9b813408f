#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"

namespace salvor::control::internal {

/// The program that a shell command runs first, as far as that can be told from its text without
/// running it. Empty: a builtin or keyword of the shell, an expansion, a quotation, a function.
std::optional<std::string> first_program(const std::string& command);

/// Whether a program is there: on the search path, or relative to where commands run.
bool is_program(const std::string& word, const std::filesystem::path& directory);

/// A line for each command of the configuration whose first word names no program: a warning only,
/// as it may come with another host, or with the data.
std::vector<std::string> commands_not_found(const config::Config& config);

}  // namespace salvor::control::internal
