#pragma once

#include <string>

namespace salvor::config::internal {

/// A pattern as a TOML string that can be pasted; without escapes where it can be one.
std::string toml_text(const std::string& text);

}  // namespace salvor::config::internal
