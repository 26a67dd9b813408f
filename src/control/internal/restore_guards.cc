#include "control/internal/restore_guards.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <map>

#include "base/error.h"
#include "control/internal/paths.h"
#include "control/internal/store_types.h"

namespace salvor::control::internal {
namespace {

[[noreturn]] void refuse(const std::string& message, const std::string& hint) {
  throw Error(ErrorCode::refused, message, hint);
}

void guard_repository(const Config& config, const std::filesystem::path& target) {
  if (config.repository.path.empty()) return;
  const std::filesystem::path repository = real_path(config.repository.path);
  const std::filesystem::path real = real_path(target);
  if (!lies_in(real, repository) && !lies_in(repository, real)) return;
  refuse(fmt::format("the target {} and the repository {} lie in each other",
                     printable(target.native()), printable(repository.native())),
         "restore into a directory elsewhere");
}

void guard_live_data(const Config& config, const std::filesystem::path& target, bool delta) {
  const std::filesystem::path real = real_path(target);
  for (const ServiceConfig& service : config.services) {
    for (const StoreConfig& store : service.stores) {
      const std::filesystem::path live = real_path(store.path());
      // A new directory below a live one overwrites nothing.
      const bool overwrites = lies_in(live, real) || (delta && lies_in(real, live));
      if (!overwrites) continue;
      refuse(fmt::format("the target {} would overwrite the live data of store {} of service {} "
                         "at {}",
                         printable(target.native()), store.name, service.name,
                         printable(live.native())),
             "restore into a directory elsewhere, look at it, and then move it into place");
    }
  }
}

void guard_content(const std::filesystem::path& target) {
  std::error_code error;
  const auto status = std::filesystem::status(target, error);
  if (status.type() == std::filesystem::file_type::not_found) return;
  if (error) throw_system_error("cannot look at", target.native(), error.value());
  if (!std::filesystem::is_directory(status)) {
    refuse(fmt::format("the target {} is there, and is no directory", printable(target.native())),
           "restore into another directory");
  }
  const bool empty = std::filesystem::is_empty(target, error);
  if (error) throw_system_error("cannot look into", target.native(), error.value());
  if (empty) return;
  refuse(fmt::format("the target {} is not empty", printable(target.native())),
         "restore into another directory, or use --delta to bring this one to the state of the "
         "recovery point");
}

/// The nearest directory above that exists.
std::filesystem::path existing_above(std::filesystem::path path) {
  std::error_code error;
  while (!std::filesystem::exists(path, error) && path.has_relative_path()) {
    path = path.parent_path();
  }
  return path;
}

struct Space {
  std::string path;
  std::uint64_t wanted = 0;
  std::uint64_t free = 0;
};

void guard_space(const std::vector<RestoreTarget>& targets) {
  std::map<dev_t, Space> file_systems;
  for (const RestoreTarget& target : targets) {
    const std::filesystem::path path = existing_above(target.path);
    struct stat status {};
    struct statvfs space {};
    if (::stat(path.c_str(), &status) != 0 || ::statvfs(path.c_str(), &space) != 0) {
      throw_system_error("cannot look at", path.native(), errno);
    }
    Space& found = file_systems[status.st_dev];
    found.path = path.native();
    const std::uint64_t content = target.snapshot->content_bytes;
    found.wanted += content + content / 20;
    found.free = std::uint64_t{space.f_bavail} * space.f_frsize;
  }
  for (const auto& [device, space] : file_systems) {
    if (space.wanted <= space.free) continue;
    refuse(fmt::format("too little space at {}: found {} free, expected {}", printable(space.path),
                       human_bytes(space.free), human_bytes(space.wanted)),
           "make room, restore elsewhere, or restore fewer stores with --only");
  }
}

}  // namespace

void guard_restore(const Config& config, const std::vector<RestoreTarget>& targets, bool delta) {
  for (const RestoreTarget& target : targets) {
    make_sink(target.snapshot->type, target.path, delta);
    guard_repository(config, target.path);
    guard_live_data(config, target.path, delta);
    if (!delta) guard_content(target.path);
  }
  if (!delta) guard_space(targets);
}

}  // namespace salvor::control::internal
