#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "base/paths.h"
#include "config/config.h"
#include "config/own_places.h"
#include "config/silent_paths.h"
#include "stores/disk/exclude.h"

namespace salvor::config {
namespace {

/// Whether a backup of the store would not come to `path`, which lies below its root.
bool is_excluded(const stores::Footprint& store, const std::filesystem::path& root,
                 const std::filesystem::path& path) {
  const stores::disk::Exclude exclude(store.exclude);
  std::filesystem::path below;
  for (const std::filesystem::path& part : path.lexically_relative(root)) {
    below /= part;
    if (exclude.matches(below.native(), true)) return true;
  }
  return false;
}

[[noreturn]] void refuse_place(const std::string& message, const std::string& hint) {
  throw Error(ErrorCode::configuration, message, hint);
}

void check_store(const Config& config, const service::Service& service, const service::Store& store,
                 const std::filesystem::path& repository) {
  const auto footprint = store.footprint();
  if (!footprint) return;
  const std::filesystem::path root = real_place(config, footprint->path);
  const std::string name = fmt::format("store {} of service {}", store.name, service.name);
  if (lies_in(root, repository)) {
    refuse_place(fmt::format("{} lies inside the repository: {} is in {}", name,
                             printable(root.native()), printable(repository.native())),
                 "move the repository to a place of its own, best on another disk");
  }
  const bool is_within = footprint->is_tree && lies_in(repository, root);
  if (!is_within || is_excluded(*footprint, root, repository)) return;
  const std::string relative = repository.lexically_relative(root).native();
  refuse_place(fmt::format("the repository lies inside {}: {} is in {}", name,
                           printable(repository.native()), printable(root.native())),
               fmt::format("move it, best to another disk, or add \"/{}\" to the store's exclude",
                           printable(relative)));
}

void check_secret(const Config& config, const std::filesystem::path& secret,
                  const std::filesystem::path& repository, std::string_view key) {
  if (!lies_in(real_place(config, secret), repository)) return;
  refuse_place(fmt::format("{} lies inside the repository that it opens: {}", key,
                           printable(secret.native())),
               "keep it elsewhere: a thief of the repository must not get its key");
}

}  // namespace

void check_paths(const Config& config) {
  refuse_own_places(config);
  if (config.repository.path.empty()) return;
  const std::filesystem::path repository = real_place(config, config.repository.path);
  if (lies_in(real_place(config, config.state_directory), repository)) {
    refuse_place(fmt::format("state_dir lies inside the repository: {}",
                             printable(config.state_directory.native())),
                 "set state_dir to a directory of this machine, e.g. /var/lib/salvor");
  }
  const RepositoryConfig& opened = config.repository;
  if (opened.passphrase.kind == SecretReference::Kind::file) {
    check_secret(config, opened.passphrase.value, repository, "passphrase_file");
  }
  if (opened.key_file) check_secret(config, *opened.key_file, repository, "key_file");
  for (const service::Service& service : config.services) {
    if (service.staging && lies_in(real_place(config, *service.staging), repository)) {
      refuse_place(fmt::format("staging of service {} lies inside the repository: {}", service.name,
                               printable(service.staging->native())),
                   "name a directory elsewhere, with room for all stores of the service");
    }
    for (const service::Store& store : service.stores)
      check_store(config, service, store, repository);
  }
}

}  // namespace salvor::config
