#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// What this program is.
namespace salvor::control {

/// The version of this program, and of the repository format that it writes.
std::string_view version();
std::uint32_t format_version();

/// {"version","format"}
std::string version_json();

}  // namespace salvor::control
