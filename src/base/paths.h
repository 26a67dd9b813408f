#pragma once

#include <filesystem>

/// How paths lie to each other.
namespace salvor {

/// The path with its links followed, as far as it exists.
std::filesystem::path real_path(const std::filesystem::path& path);

/// Whether `inner` is `outer` or lies below it, part by part: /srv/a does not hold /srv/ab.
bool lies_in(const std::filesystem::path& inner, const std::filesystem::path& outer);

}  // namespace salvor
