#include "config/own_places.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "base/paths.h"
#include "config/internal/toml_text.h"
#include "config/silent_paths.h"
#include "stores/disk/exclude.h"

namespace salvor::config {
namespace {

namespace fs = std::filesystem;

struct SecretFile {
  std::string_view key;
  fs::path path;
};

std::vector<SecretFile> secrets_of(const RepositoryConfig& repository) {
  std::vector<SecretFile> secrets;
  if (repository.passphrase.kind == SecretReference::Kind::file) {
    secrets.push_back({"passphrase_file", repository.passphrase.value});
  }
  if (repository.key_file) secrets.push_back({"key_file", *repository.key_file});
  return secrets;
}

}  // namespace

std::string exclude_text(const fs::path& relative, bool is_directory) {
  return internal::toml_text(stores::disk::pattern_for(relative.native()) +
                             (is_directory ? "/" : ""));
}

void leave_out_own_places(Config& config) {
  std::vector<fs::path> places = {real_place(config, config.state_directory)};
  for (const service::Service& service : config.services) {
    places.push_back(real_place(config, staging_root(config, service)));
  }
  for (service::Service& service : config.services) {
    for (service::Store& store : service.stores) {
      const auto footprint = store.footprint();
      if (!footprint || !footprint->is_tree) continue;
      const fs::path root = real_place(config, footprint->path);
      for (const fs::path& place : places) {
        if (place == root || !lies_in(place, root)) continue;
        store.type->leave_out(
            store.settings,
            stores::disk::pattern_for(place.lexically_relative(root).native()) + "/");
      }
    }
  }
}

std::vector<std::string> secrets_in_stores(const Config& config) {
  std::vector<std::string> found;
  for (const SecretFile& secret : secrets_of(config.repository)) {
    const fs::path path = real_place(config, secret.path);
    for (const service::Service& service : config.services) {
      for (const service::Store& store : service.stores) {
        const auto footprint = store.footprint();
        if (!footprint || !footprint->is_tree) continue;
        const fs::path root = real_place(config, footprint->path);
        if (path == root || !lies_in(path, root)) continue;
        const fs::path relative = path.lexically_relative(root);
        if (stores::disk::Exclude(footprint->exclude).covers(relative.native(), false)) continue;
        found.push_back(
            fmt::format("{} {} lies in store {} of service {}, so each recovery point has a copy "
                        "of it: keep it elsewhere, or add {} to the store's exclude",
                        secret.key, printable(path.native()), store.name, service.name,
                        exclude_text(relative, false)));
      }
    }
  }
  return found;
}

void refuse_own_places(const Config& config) {
  const fs::path state = real_place(config, config.state_directory);
  for (const service::Service& service : config.services) {
    for (const service::Store& store : service.stores) {
      const auto footprint = store.footprint();
      if (!footprint) continue;
      const fs::path path = real_place(config, footprint->path);
      if (path != state && path != state / "catalog.sqlite") continue;
      throw Error(ErrorCode::configuration,
                  fmt::format("store {} of service {} is salvor's own: {} belongs to state_dir",
                              store.name, service.name, printable(path.native())),
                  "name what the application stores; salvor makes its own state anew");
    }
  }
}

fs::path staging_root(const Config& config, const service::Service& service) {
  return service.staging ? *service.staging / "salvor-drills" : config.state_directory / "drills";
}

}  // namespace salvor::config
