#pragma once

#include <filesystem>

/// How paths lie to each other. Guards use both together: first real_path() of either, so that no
/// symbolic link hides that one lies in the other, then lies_in().
namespace salvor {

/// The path with its symbolic links followed, as far as it exists, and without a '/' at its end. It
/// looks at the file system: on a mount that does not answer it blocks (base/answers.h).
/// Errors: none: where links can't be followed, it is the path without "." and "..".
std::filesystem::path real_path(const std::filesystem::path& path);

/// Whether `inner` is `outer` or lies below it, compared part by part: /srv/ab does not lie in
/// /srv/a. It compares text only, and looks at nothing.
bool lies_in(const std::filesystem::path& inner, const std::filesystem::path& outer);

}  // namespace salvor
