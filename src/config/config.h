#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/secret_source.h"
#include "service/service.h"

/// The configuration file, typed and checked; docs/configuration.md explains every key.
/// Units: durations in seconds. Paths are absolute (relative to the file's directory before).
namespace salvor::config {

struct RepositoryConfig {
  std::string url;             ///< as written
  std::filesystem::path path;  ///< of a local repository
  SecretReference passphrase;
  std::optional<std::filesystem::path> key_file;
};

enum class OnUnreadable { fail, warn };

struct FilesStoreConfig {
  static constexpr std::string_view kType = "files";
  std::filesystem::path path;
  std::vector<std::string> exclude;  ///< with the places of salvor's own that lie in it
  bool one_file_system = false;
  OnUnreadable on_unreadable = OnUnreadable::fail;
  bool canary = false;  ///< each backup plants a marker in the store itself

  // Of a plan, not of the file: what its recovery point lacks, and stays with the live data.
  std::vector<std::string> missing = {};  ///< relative to the root
  bool missing_more = false;              ///< there is more
};

struct SqliteStoreConfig {
  static constexpr std::string_view kType = "sqlite";
  std::filesystem::path path;
  bool canary = false;  ///< each backup plants a marker in the store itself
};

struct StoreConfig {
  std::string name;
  std::variant<FilesStoreConfig, SqliteStoreConfig> details;
  std::optional<int> shrink_percent = 50;  ///< a fall beyond it is suspect; empty: off

  std::string_view type() const;
  const std::filesystem::path& path() const;
  bool canary() const;
};

struct ServiceConfig {
  std::string name;
  std::string owner;
  std::string severity = "SEV-1";  ///< of its loss; printed in the runbook
  std::optional<std::int64_t> rpo_s;
  std::optional<std::int64_t> rto_s;
  std::vector<std::string> contacts;
  std::vector<std::string> links;
  std::vector<std::filesystem::path> protect;  ///< what some store must cover; `status` checks it
  std::optional<std::filesystem::path> runbook;
  std::optional<std::filesystem::path> staging;  ///< where drills restore to; empty: the state
  bool shared = false;   ///< several hosts back it up; the points of each are everybody's
  bool quiesce = false;  ///< hold writes while a recovery point marks the databases
  std::vector<StoreConfig> stores;
  std::optional<service::Writes> writes;
  std::optional<service::Migrate> migrate;
  std::vector<service::Rebuild> rebuild;
  std::vector<service::Check> checks;
  std::vector<service::Reference> references;
  std::optional<service::Command> return_to_service;
  std::optional<service::Watch> watch;
  service::Drill drill;
  service::Schedule schedule;
  std::optional<service::Retention> retention;  ///< empty: keep everything

  const StoreConfig* find_store(std::string_view store) const;
};

struct ServeConfig {
  bool given = false;  ///< the file has the table
  std::string host = "127.0.0.1";
  int port = 8423;
  bool open = false;  ///< requests from loopback need no token
};

/// A path of the file that did not answer when the file was loaded: nobody may look at it.
struct SilentPath {
  enum class Role { repository, secret, state, store, staging, log, other };
  std::filesystem::path path;
  Role role = Role::other;
  std::string what;     ///< for people: "store media of service shop"
  std::string service;  ///< whose it is; empty: of all services
  std::string store;    ///< likewise
};

/// The whole file. A value; services, stores, checks in the order of the file.
struct Config {
  std::filesystem::path file;
  std::filesystem::path state_directory;
  std::string host;                  ///< whose recovery points these are; usually the host's name
  std::int64_t holders_wait_s = 10;  ///< how long a restore waits for who holds a store open
  std::int64_t answers_wait_s = 20;  ///< how long paths have to answer, all together
  RepositoryConfig repository;
  std::vector<ServiceConfig> services;
  ServeConfig serve;
  std::vector<SilentPath> silent;  ///< several may be of the same store

  /// Errors: not_found, naming the services that there are.
  const ServiceConfig& service(std::string_view name) const;
};

/// Where the configuration is: `from_option` (--config), $SALVOR_CONFIG, ./salvor.toml,
/// /etc/salvor/salvor.toml; the first two must exist when they are given.
/// Errors: configuration, listing what was looked for; unreachable: a place does not answer.
std::filesystem::path find_config(const std::optional<std::filesystem::path>& from_option);

/// Which paths of the file a verb will look at.
enum class Looks {
  everywhere,
  at_repository,  ///< and at what opens it, and at the state directory; at no store
};

/// Reads and checks a file of at most 1 MiB, and asks whether its paths answer (`silent`).
/// Errors: configuration: FILE:LINE:COLUMN of the first problem, and what to do; failed:
/// unreadable.
Config load_config(const std::filesystem::path& path, Looks looks = Looks::everywhere);

/// The same for text; `name` stands for the file in messages. Takes it that all paths answer.
Config parse_config_text(std::string_view text, const std::string& name,
                         const std::filesystem::path& directory);

/// Errors: unreachable: the state directory does not answer.
void require_state_answers(const Config& config);

/// Looks at the real paths (links followed) of the repository, the stores and the state directory.
/// Errors: configuration: a store is salvor's own state; a store or the state directory lies inside
///         the repository, or the
///         repository inside a files store that does not exclude it, or the secret that opens the
///         repository lies inside it.
void check_paths(const Config& config);

/// Looks at the real places of the stores of `service` (links followed, mounts seen through).
/// Errors: configuration: one of them and another store of the file, of whatever service, have the
///         same place, or one lies inside a files store that does not exclude it: a restore of the
///         outer one would replace what the inner one protects.
void check_overlaps(const Config& config, const ServiceConfig& service);

/// What of the file is valid, and nothing acts on yet: a line each, for people, of one service or
/// (empty) of all.
std::vector<std::string> idle_sections(const Config& config, std::string_view service = {});

/// Local state where the file does not say: /var/lib/salvor for root, else
/// $XDG_STATE_HOME/salvor or ~/.local/state/salvor.
std::filesystem::path default_state_directory();

}  // namespace salvor::config
