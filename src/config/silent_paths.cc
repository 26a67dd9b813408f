#include "config/silent_paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/answers.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/paths.h"
#include "stores/disk/exclude.h"
#include "stores/disk/mounts.h"

namespace salvor::config {
namespace {

namespace fs = std::filesystem;

using Role = SilentPath::Role;

/// The paths that a configuration names: each as it would be told of when it does not answer.
std::vector<SilentPath> common_places(const Config& config) {
  const RepositoryConfig& repository = config.repository;
  std::vector<SilentPath> places{
      {repository.path, Role::repository, "the repository", {}, {}},
      {repository.path / "salvor.json", Role::repository, "the repository", {}, {}},
      {config.state_directory, Role::state, "state_dir", {}, {}}};
  if (repository.passphrase.kind == SecretReference::Kind::file) {
    places.push_back({repository.passphrase.value, Role::secret, "passphrase_file", {}, {}});
  }
  if (repository.key_file) {
    places.push_back({*repository.key_file, Role::secret, "key_file", {}, {}});
  }
  return places;
}

void add_places(const service::Service& service, std::vector<SilentPath>& places) {
  const auto add = [&](const fs::path& path, Role role, std::string_view what,
                       const std::string& store) {
    places.push_back(
        {path, role, fmt::format("{} of service {}", what, service.name), service.name, store});
  };
  for (const service::Store& store : service.stores) {
    const auto footprint = store.footprint();
    if (!footprint) continue;
    add(footprint->path, Role::store, "store " + store.name, store.name);
    // Where workplaces and the logs of databases lie.
    add(footprint->path.parent_path(), Role::store, "store " + store.name, store.name);
  }
  if (service.staging) add(*service.staging, Role::staging, "staging", {});
  if (service.watch) {
    for (const service::Check& probe : service.watch->probes) {
      for (const std::string& log : service::texts_of(probe, service::Form::file)) {
        add(log, Role::log, "log of probe " + probe.name, {});
      }
    }
  }
  for (const fs::path& path : service.protect) add(path, Role::other, "protect", {});
}

/// Asks the places of a configuration, in one wait for all questions together.
class Asker {
 public:
  explicit Asker(Config& config) : config_(config), start_ns_(Clock::system().monotonic().ns) {}

  /// Asks each path once, and adds what is silent to the configuration.
  void ask(const std::vector<SilentPath>& places, const fs::path& lock_file) {
    std::vector<fs::path> paths;
    for (const SilentPath& place : places) paths.push_back(place.path);
    std::ranges::sort(paths);
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    const std::vector<fs::path> silent = paths_without_answer(paths, wait_ms(), {}, lock_file);
    for (const SilentPath& place : places) {
      if (std::ranges::binary_search(silent, place.path)) config_.silent.push_back(place);
    }
  }

 private:
  /// Who has waited in vain once has a little left for the next question.
  std::int64_t wait_ms() const {
    const std::int64_t wait_ms = config_.answers_wait_s * 1000;
    const std::int64_t waited_ms = (Clock::system().monotonic().ns - start_ns_) / 1'000'000;
    constexpr std::int64_t kLeastWait_ms = 2'000;
    return std::max(wait_ms - waited_ms, std::min(wait_ms, kLeastWait_ms));
  }

  Config& config_;
  const std::int64_t start_ns_;
};

/// Where a process that asks is seen by others (usable_lock_file()). `config` null: there is none.
fs::path lock_file_of(const Config* config) {
  std::vector<fs::path> files{runtime_lock_file()};
  if (config != nullptr && answers(*config, config->state_directory)) {
    files.push_back(config->state_directory / "asking");
  }
  return usable_lock_file(files);
}

/// What is mounted anywhere; nothing where there is no /proc: who needs to know it is refused
/// there.
std::vector<fs::path> all_mounts() {
  try {
    return stores::disk::mounts_within("/");
  } catch (const Error&) {
    return {};
  }
}

const service::Store* store_at(const Config& config, const SilentPath& place) {
  const service::Store* store = config.service(place.service).find_store(place.store);
  return store->location().path == place.path ? store : nullptr;
}

/// What can be seen only by looking: where links lead, and what is mounted below.
std::vector<SilentPath> places_behind(const Config& config, const std::vector<SilentPath>& places) {
  std::vector<SilentPath> found;
  const auto add = [&](const SilentPath& of, fs::path path) {
    found.push_back(of);
    found.back().path = std::move(path);
  };
  const std::vector<fs::path> mounts = all_mounts();
  for (const SilentPath& place : places) {
    const service::Store* store = place.role == Role::store ? store_at(config, place) : nullptr;
    // The directory of a store holds more than the store.
    const bool is_whole = place.role != Role::store || store != nullptr;
    if (!is_whole || !answers(config, place.path)) continue;
    const fs::path real = real_path(place.path);
    if (store != nullptr && real != place.path) add(place, real.parent_path());
    for (const fs::path& mount : mounts) {
      if (mount == real || !lies_in(mount, real)) continue;
      const bool excluded =
          store != nullptr && stores::disk::Exclude(store->left_out())
                                  .covers(mount.lexically_relative(real).native(), true);
      if (!excluded) add(place, mount);
    }
  }
  return found;
}

[[noreturn]] void fail_silent(std::vector<NamedPath> silent, std::int64_t wait_s) {
  std::string message;
  if (silent.size() == 1) {
    message = fmt::format("{} does not answer: {}: nothing came back within {} s",
                          silent.front().what, printable(silent.front().path.native()), wait_s);
  } else {
    message =
        fmt::format("{} paths do not answer: nothing came back within {} s", silent.size(), wait_s);
    for (const NamedPath& each : silent) {
      message += fmt::format("\n  {}: {}", each.what, printable(each.path.native()));
    }
  }
  throw Error(ErrorCode::unreachable, message,
              "see in /proc/mounts what is mounted there, and start its server again; umount -l "
              "detaches a mount whose server does not come back");
}

template <class Concerns>
void require_no_silent(const Config& config, const Concerns& concerns) {
  std::vector<NamedPath> silent;
  for (const SilentPath& each : config.silent) {
    // What lies together is silent together, and told once.
    const bool is_told = std::ranges::find(silent, each.what, &NamedPath::what) != silent.end();
    if (concerns(each) && !is_told) silent.push_back({each.path, each.what});
  }
  if (!silent.empty()) fail_silent(std::move(silent), config.answers_wait_s);
}

/// Whether it is one of the stores (empty: of all).
bool is_of(const SilentPath& silent, const std::vector<std::string>& stores) {
  const bool chosen = stores.empty() || std::ranges::find(stores, silent.store) != stores.end();
  return silent.role == Role::store && chosen;
}

}  // namespace

void ask_configured_paths(Config& config, Looks looks) {
  std::vector<SilentPath> places = common_places(config);
  if (looks == Looks::everywhere) {
    for (const service::Service& service : config.services) add_places(service, places);
  }
  Asker asker(config);
  fs::path lock_file = lock_file_of(nullptr);
  if (lock_file.empty()) {
    // What state_dir can do for the other paths is known when it has answered.
    const auto state = std::ranges::find(places, Role::state, &SilentPath::role);
    const std::vector<SilentPath> first{*state};
    places.erase(state);
    asker.ask(first, {});
    lock_file = lock_file_of(&config);
  }
  asker.ask(places, lock_file);
  const std::vector<SilentPath> behind = places_behind(config, places);
  if (!behind.empty()) asker.ask(behind, lock_file);
}

bool answers(const Config& config, const fs::path& path) {
  return std::ranges::none_of(config.silent,
                              [&](const SilentPath& silent) { return lies_in(path, silent.path); });
}

fs::path real_place(const Config& config, const fs::path& path) {
  if (answers(config, path)) return real_path(path);
  const fs::path normal = path.lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

void require_answers(const Config& config, std::initializer_list<Role> roles) {
  require_no_silent(config, [&](const SilentPath& each) {
    return std::ranges::find(roles, each.role) != roles.end();
  });
}

void require_stores_answer(const Config& config, const service::Service& service,
                           const std::vector<std::string>& stores) {
  require_no_silent(config, [&](const SilentPath& each) {
    return each.service == service.name && is_of(each, stores);
  });
}

void require_live_answers(const Config& config, const service::Service& service,
                          const std::vector<std::string>& stores) {
  require_no_silent(config, [&](const SilentPath& each) {
    return each.service == service.name && (each.role == Role::log || is_of(each, stores));
  });
}

void require_staging_answers(const Config& config, const service::Service& service) {
  require_no_silent(config, [&](const SilentPath& each) {
    return each.role == Role::staging && each.service == service.name;
  });
}

namespace {

void require_answers_within(std::int64_t wait_s, const std::vector<NamedPath>& paths,
                            const fs::path& lock_file, std::stop_token stop) {
  std::vector<fs::path> asked;
  for (const NamedPath& each : paths) asked.push_back(each.path);
  const std::vector<fs::path> silent =
      paths_without_answer(asked, wait_s * 1000, std::move(stop), lock_file);
  if (silent.empty()) return;
  std::vector<NamedPath> named;
  for (const NamedPath& each : paths) {
    if (std::ranges::find(silent, each.path) != silent.end()) named.push_back(each);
  }
  fail_silent(std::move(named), wait_s);
}

}  // namespace

void require_answers_of(const std::vector<NamedPath>& paths, const Config& config,
                        std::stop_token stop) {
  constexpr std::int64_t kSecondWait_s = 5;
  const std::int64_t wait_s = config.silent.empty()
                                  ? config.answers_wait_s
                                  : std::min(config.answers_wait_s, kSecondWait_s);
  require_answers_within(wait_s, paths, lock_file_of(&config), std::move(stop));
}

void require_answers_of(const std::vector<NamedPath>& paths, std::int64_t wait_s,
                        std::stop_token stop) {
  require_answers_within(wait_s, paths, lock_file_of(nullptr), std::move(stop));
}

}  // namespace salvor::config
