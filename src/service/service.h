#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/check.h"
#include "service/cron.h"
#include "service/store.h"

/// What belongs to a service, in one vocabulary: the configuration yields these values, a plan and
/// its journal keep them, checks ask them, the runbook prints them. All are values.
/// Units: durations in seconds.
namespace salvor::service {

/// A shell command (/bin/sh -c), and how long it may take; hooks.h runs it.
struct Command {
  std::string run;
  std::int64_t timeout_s = 0;
};

/// The commands that hold and release the application's writes, for a restore in place, and for a
/// backup of a service with `quiesce` while its stores are marked. A run that is resumed runs
/// `lock` again, so it must succeed when writes are held already.
struct Writes {
  Command lock;
  Command unlock;
  std::optional<Command> locked;  ///< exit 0: they are held
};

/// Brings the restored data to the schema that today's application expects.
struct Migrate {
  /// Exit status 0 says that the schema drifted. Without this command, `run` always runs.
  std::optional<Command> needed;
  Command run;
  /// The owner's word that it acts on nothing that is live, although it does not mention the copy.
  bool isolated = false;
};

/// Makes anew what is derived from the restored data, such as a search index.
struct Rebuild {
  std::string name;
  Command run;
  bool isolated = false;  ///< as for Migrate
};

/// A promise of the database about files: every row of `sql`, asked of store `from`, names in its
/// first column a path that exists in store `in`. Rows without a value name nothing, and are passed
/// over. Empty and absolute paths, and those with "..", count as missing.
struct Reference {
  std::string name;  ///< unique within the service
  std::string from;
  std::string sql;
  std::string in;
  std::int64_t timeout_s = std::int64_t{6} * 3600;
};

/// How a service is looked at after a restore in place (checks/watch.h).
struct Watch {
  std::int64_t duration_s = 3600;
  std::int64_t every_s = 30;
  std::int64_t failures_max = 0;
  std::vector<Check> probes;
};

/// Bounds of a drill.
struct Drill {
  std::int64_t timeout_s = std::int64_t{6} * 3600;  ///< of a drill as a whole
};

/// When what is to be done. An empty one means at no time.
struct Schedule {
  std::optional<Cron> backup;
  std::optional<Cron> verify;
  std::optional<Cron> drill;
  TimeZone zone = TimeZone::utc;
};

/// How many recovery points to keep: the newest `last`, and the newest one of each of so many
/// hours, days, and so on. retention.h applies it.
struct Retention {
  /// Every point that is not older than this, counted from the newest point.
  std::optional<std::int64_t> within_s = {};
  /// For stores with a log: every instant that is not longer before the newest point than this.
  std::optional<std::int64_t> window_s = {};
  int last = 0;
  int hourly = 0;
  int daily = 0;
  int weekly = 0;
  int monthly = 0;
  int yearly = 0;
};

/// What a restore of a service runs and asks, in the order in which it does so. A plan has that of
/// its service, as it was when the run began.
struct Procedure {
  std::optional<Writes> writes;
  std::optional<Migrate> migrate;
  std::vector<Rebuild> rebuilds;
  std::vector<Check> checks;
  std::vector<Reference> references;
  std::optional<Command> return_to_service;
  std::optional<Watch> watch;
};

/// One service: all that its table in the configuration says of it. Whoever is told of a service is
/// told of it by this type: backups, plans, the runbook, status and the digest of its policy.
///     const service::Service& shop = config.service("shop");
///     for (const service::Store& store : shop.stores) use(store);
/// Paths are absolute; durations are in seconds; an objective that is not set is empty.
struct Service : Procedure {
  std::string name;
  std::string owner;
  /// Of its loss; printed in the runbook.
  std::string severity = "SEV-1";
  /// How old the newest recovery point may be, and how long a restore may take.
  std::optional<std::int64_t> rpo_s;
  std::optional<std::int64_t> rto_s;
  std::vector<std::string> contacts;
  std::vector<std::string> links;
  /// Paths that some store must cover; `status` says when one does not.
  std::vector<std::filesystem::path> protect;
  std::optional<std::filesystem::path> runbook;
  /// Where drills restore to; empty: into the state directory. Ask config::staging_root().
  std::optional<std::filesystem::path> staging;
  /// Several hosts back it up, and the points of each are everybody's.
  bool shared = false;
  /// Writes are held while a recovery point marks the databases.
  bool quiesce = false;
  /// In the order of the configuration. A restore does databases first.
  std::vector<Store> stores;
  Drill drill;
  Schedule schedule;
  /// Empty: keep everything.
  std::optional<Retention> retention;

  /// Null where there is no store of that name.
  const Store* find_store(std::string_view store) const;
  /// Errors: not_found: one of the names is no store's; the hint has the nearest that is.
  void require_stores(const std::vector<std::string>& names) const;
  /// The stores of these names, all where there are none; databases first.
  /// Errors: as require_stores().
  std::vector<const Store*> chosen_stores(const std::vector<std::string>& names) const;
};

/// Whether it acts on the restored copy while that copy is not live yet: when it mentions the copy,
/// or when its owner says that it is isolated. Others would change the live service, as for a check
/// (service/check.h).
bool knows_of_copy(const Migrate& migrate);
bool knows_of_copy(const Rebuild& rebuild);

}  // namespace salvor::service
