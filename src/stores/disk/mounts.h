#pragma once

#include <filesystem>
#include <vector>

/// Where other file systems begin.
namespace salvor::stores::disk {

/// The mount points at and beneath `path`, which is canonical, in the order of mounting.
/// Source: proc(5), /proc/PID/mountinfo.   Errors: refused, where there is no /proc.
std::vector<std::filesystem::path> mounts_within(const std::filesystem::path& path);

/// The mount point of the file system that `path`, which is canonical, lies on.
/// Source: as above.   Errors: none: empty when it can't be seen.
std::filesystem::path mount_of(const std::filesystem::path& path);

}  // namespace salvor::stores::disk
