#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "backend/backend.h"

namespace salvor::testing {

/// Makes an empty backend. `scratch` is an empty directory that outlives it, and is removed.
using MakeBackend =
    std::function<std::unique_ptr<backend::Backend>(const std::filesystem::path& scratch)>;

/// Adds the tests of everything that backend.h promises, as BackendContract/<name>, to the program.
/// One line in a test file does it:
///     const bool kRegistered = register_backend_contract("memory", [](const auto&) { … });
bool register_backend_contract(const std::string& name, MakeBackend make);

}  // namespace salvor::testing
