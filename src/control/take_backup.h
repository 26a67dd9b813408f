#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup/backup.h"
#include "base/error.h"
#include "config/config.h"
#include "control/caller.h"

/// The verb `backup`: takes recovery points.
namespace salvor::control {

/// What to back up.
struct BackupRequest {
  std::string service;              ///< empty: all services
  std::vector<std::string> stores;  ///< empty: all
};

/// One recovery point, or why there is none.
/// Units: seconds.
struct BackupReport {
  std::string service;
  std::string run;
  backup::Result result;
  double duration_s = 0;
  std::optional<Error> failure;  ///< then there is no result
  std::vector<std::string> warnings = {};
  std::vector<std::string> logged = {};  ///< what was warned as it happened

  /// That the point was committed, and may hold ruins; empty: it does not. Code checks_failed.
  std::optional<Error> suspicion() const;
};

/// One report a service, in order of the file. Databases are marked before files are read. The
/// failure of a service that was asked for by name is thrown; of several services each is tried,
/// and the report says which failed.
/// Errors: corruption: the repository's log is older than this machine has seen it; whatever
///         backup::run throws.
std::vector<BackupReport> take_backup(const config::Config& config, const BackupRequest& request,
                                      const Caller& caller);

/// Keys are a contract: docs/cli.md.
std::string to_json(const BackupReport& report);

/// {"backups": […]}, with the "error" of the first service that failed.
std::string to_json(const std::vector<BackupReport>& reports);

}  // namespace salvor::control
