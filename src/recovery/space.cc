#include "recovery/space.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <map>

#include "base/bytes.h"
#include "base/error.h"

namespace salvor::recovery {
namespace {

/// The nearest directory above that exists.
std::filesystem::path existing_above(std::filesystem::path path) {
  std::error_code error;
  while (!std::filesystem::exists(path, error) && path.has_relative_path()) {
    path = path.parent_path();
  }
  return path;
}

}  // namespace

std::vector<FileSystemSpace> look_for_space(const std::vector<SpaceWanted>& wanted) {
  std::map<dev_t, FileSystemSpace> file_systems;
  for (const SpaceWanted& each : wanted) {
    const std::filesystem::path path = existing_above(each.path);
    struct stat status {};
    struct statvfs space {};
    if (::stat(path.c_str(), &status) != 0 || ::statvfs(path.c_str(), &space) != 0) {
      throw_system_error("cannot look at", path.native(), errno);
    }
    FileSystemSpace& found = file_systems[status.st_dev];
    found.path = path.native();
    found.wanted += each.bytes + each.bytes / 20;
    found.free = std::uint64_t{space.f_bavail} * space.f_frsize;
  }
  std::vector<FileSystemSpace> spaces;
  for (auto& [device, space] : file_systems) spaces.push_back(std::move(space));
  return spaces;
}

void require_space(const std::vector<FileSystemSpace>& spaces, const std::string& hint) {
  for (const FileSystemSpace& space : spaces) {
    if (space.suffices()) continue;
    throw Error(
        ErrorCode::refused,
        fmt::format("too little space at {}: found {} free, expected {}", printable(space.path),
                    human_bytes(space.free), human_bytes(space.wanted)),
        hint);
  }
}

}  // namespace salvor::recovery
