#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/secret_source.h"
#include "service/service.h"
#include "service/store.h"

/// The configuration file, typed and checked; docs/configuration.md explains every key. The order
/// of calls:
///     const Config config = load_config(find_config(from_option));
///     check_paths(config);                                 // before anything is written
///     check_overlaps(config, config.service("shop"));
/// Units: durations in seconds. Paths are absolute (in the file they are relative to its
///        directory).
namespace salvor::config {

/// Where the repository is, and what opens it: a passphrase, a key file, or both.
struct RepositoryConfig {
  std::string url;             ///< as the file has it
  std::filesystem::path path;  ///< of a local repository
  SecretReference passphrase;
  std::optional<std::filesystem::path> key_file;
};

/// Where a server would listen; see idle_sections().
struct ServeConfig {
  bool given = false;  ///< the file has the table
  std::string host = "127.0.0.1";
  int port = 8423;
  bool open = false;  ///< requests from loopback need no token
};

/// A path of the file that did not answer when the file was loaded: nobody may look at it.
struct SilentPath {
  /// What the path is for, by which verbs require it.
  enum class Role { repository, secret, state, store, staging, log, other };
  std::filesystem::path path;
  Role role = Role::other;
  std::string what;     ///< for people: "store media of service shop"
  std::string service;  ///< whose it is; empty: of all services
  std::string store;    ///< likewise
};

/// The whole file. A value; services, stores and checks are in the order of the file.
struct Config {
  std::filesystem::path file;
  std::filesystem::path state_directory;
  /// Whose recovery points these are; the host's name, unless the file says otherwise.
  std::string host;
  /// How long a restore waits for programs that hold a store open.
  std::int64_t holders_wait_s = 10;
  /// How long paths have to answer, all together.
  std::int64_t answers_wait_s = 20;
  RepositoryConfig repository;
  std::vector<service::Service> services;
  ServeConfig serve;
  /// What did not answer; several may belong to the same store.
  std::vector<SilentPath> silent;

  /// Null where there is no service of that name.
  const service::Service* find_service(std::string_view name) const;
  /// The service of that name.
  /// Errors: not_found, naming the services that there are.
  const service::Service& service(std::string_view name) const;
};

/// Where the configuration is. The first of these counts: `from_option` (--config), $SALVOR_CONFIG,
/// ./salvor.toml, /etc/salvor/salvor.toml. One of the first two that is given must exist.
/// Errors: configuration, listing what was looked for; unreachable: a place does not answer.
std::filesystem::path find_config(const std::optional<std::filesystem::path>& from_option);

/// Which paths of the file a verb will look at: others are not asked, so that a verb which needs no
/// store waits for none.
enum class Looks {
  everywhere,
  /// At the repository, at what opens it, and at the state directory; at no store.
  at_repository,
};

/// Reads and checks a file of at most 1 MiB, and asks whether its paths answer (`silent`).
/// Errors: configuration: FILE:LINE:COLUMN of the first problem, and what to do, or no such file;
///         failed: unreadable.
Config load_config(const std::filesystem::path& path, Looks looks = Looks::everywhere);

/// The same for a text. `name` stands for the file in messages. All paths are taken to answer.
Config parse_config_text(std::string_view text, const std::string& name,
                         const std::filesystem::path& directory);

/// Errors: unreachable: the state directory does not answer.
void require_state_answers(const Config& config);

/// Looks at the real paths (links followed) of the repository, the stores, the secrets, the state
/// directory and the staging directories.
/// Errors: configuration: a store is salvor's own state; a store, the state directory, a staging
///         directory, or the secret that opens the repository lies inside the repository; or the
///         repository lies inside a files store that does not exclude it.
void check_paths(const Config& config);

/// Looks at the real places of the stores of `service` (links followed, mounts seen through). A
/// restore of an outer store would replace what an inner one protects.
/// Errors: configuration: one of them and another store of the file, of whatever service, have the
///         same place, or one lies inside a files store that does not exclude it.
void check_overlaps(const Config& config, const service::Service& service);

/// What in the file is valid although nothing acts on it yet, of one service or (empty) of all: a
/// line each, for people.
std::vector<std::string> idle_sections(const Config& config, std::string_view service = {});

/// Where this machine's state is kept when the file does not say: /var/lib/salvor for root, else
/// $XDG_STATE_HOME/salvor, or ~/.local/state/salvor.
std::filesystem::path default_state_directory();

}  // namespace salvor::config
