#pragma once

#include <filesystem>
#include <string>

namespace salvor::golden {

/// What a restored tree looks like on every machine, one line for each path, sorted: kind, mode,
/// modification time in ns, size and SHA-256 of files, targets of symlinks, names of one inode.
/// Not: owners, which only root can restore, and what belongs to a file system.
/// Errors: failed, for whatever can't be read.
std::string manifest_of(const std::filesystem::path& root);

}  // namespace salvor::golden
