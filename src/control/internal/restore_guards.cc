#include "control/internal/restore_guards.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/paths.h"
#include "config/own_places.h"
#include "config/silent_paths.h"
#include "recovery/space.h"
#include "stores/disk/exclude.h"

namespace salvor::control::internal {
namespace {

[[noreturn]] void refuse(const std::string& message, const std::string& hint) {
  throw Error(ErrorCode::refused, message, hint);
}

void guard_repository(const config::Config& config, const std::filesystem::path& target) {
  if (config.repository.path.empty()) return;
  const std::filesystem::path repository = config::real_place(config, config.repository.path);
  const std::filesystem::path real = real_path(target);
  if (!lies_in(real, repository) && !lies_in(repository, real)) return;
  refuse(fmt::format("the target {} and the repository {} overlap", printable(target.native()),
                     printable(repository.native())),
         "restore into a directory elsewhere");
}

constexpr const char* kElsewhere =
    "restore into a directory elsewhere, look at it, and then move it into place";

std::string way_out_of(const service::Store& store, const std::filesystem::path& relative) {
  return fmt::format(
      "restore into a directory elsewhere: the next backup would include this one, and a restore "
      "in place would replace it; or exclude this one: add {} to the exclude of store {}",
      config::exclude_text(relative, true), store.name);
}

void guard_live_data(const config::Config& config, const std::filesystem::path& target) {
  const std::filesystem::path real = real_path(target);
  for (const service::Service& service : config.services) {
    for (const service::Store& store : service.stores) {
      const auto footprint = store.footprint();
      if (!footprint) continue;
      const std::filesystem::path live = config::real_place(config, footprint->path);
      const bool is_around = lies_in(live, real);
      if (!is_around && !lies_in(real, live)) continue;
      const std::filesystem::path relative = real.lexically_relative(live);
      const stores::disk::Exclude excluded(footprint->exclude);
      if (!is_around && excluded.covers(relative.native(), true)) continue;
      refuse(fmt::format("the target {} {} the live data of store {} of service {} at {}",
                         printable(target.native()), is_around ? "would overwrite" : "lies in",
                         store.name, service.name, printable(live.native())),
             is_around ? kElsewhere : way_out_of(store, relative));
    }
  }
}

void guard_content(const std::filesystem::path& target) {
  std::error_code error;
  const auto status = std::filesystem::status(target, error);
  if (status.type() == std::filesystem::file_type::not_found) return;
  if (error) throw_system_error("cannot look at", target.native(), error.value());
  if (!std::filesystem::is_directory(status)) {
    refuse(fmt::format("the target {} exists, and is not a directory", printable(target.native())),
           "restore into another directory");
  }
  const bool empty = std::filesystem::is_empty(target, error);
  if (error) throw_system_error("cannot look into", target.native(), error.value());
  if (empty) return;
  refuse(
      fmt::format("the target {} is not empty", printable(target.native())),
      "restore into another directory, or use --delta to change this one into the recovery point");
}

void guard_space(const std::vector<RestoreTarget>& targets) {
  std::vector<recovery::SpaceWanted> wanted;
  for (const RestoreTarget& target : targets) {
    wanted.push_back({target.path, target.snapshot->content_bytes});
  }
  recovery::require_space(recovery::look_for_space(wanted),
                          "make room, restore elsewhere, or restore fewer stores with --only");
}

}  // namespace

void guard_restore(const config::Config& config, const std::vector<RestoreTarget>& targets,
                   bool delta) {
  for (const RestoreTarget& target : targets) {
    stores::type_named(target.snapshot->type);
    guard_repository(config, target.path);
    guard_live_data(config, target.path);
    if (!delta) guard_content(target.path);
  }
  if (!delta) guard_space(targets);
}

}  // namespace salvor::control::internal
