#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "catalog/catalog.h"
#include "config/config.h"
#include "repo/repository.h"
#include "service/hooks.h"
#include "service/service.h"

namespace salvor::control::internal {

/// Holds an application's writes by its own commands (`quiesce`), so that all stores of a recovery
/// point are marked at one moment. One backup of a service at a time holds them on a machine; the
/// others wait. That they are held is noted in the state directory first: a backup that is killed
/// leaves the note, and the next one lets writes in again. Whoever else holds them keeps them held.
/// Threads: one.   Lifetime: shorter than the configuration's and the repository's.
class HeldWrites {
 public:
  /// `run`: of the backup, for its commands.
  HeldWrites(const config::Config& config, const service::Service& service,
             repo::Repository& repository, std::string run, std::stop_token stop);

  /// Calls `mark` while writes are held, and lets them in again, whatever comes of it.
  /// Errors: conflict: a restore of the service is open, and holds them; failed: a command fails,
  /// or succeeds without effect; cancelled; whatever `mark` throws.
  void during(const std::function<void()>& mark) const;

 private:
  service::HookContext context() const;
  void hold() const;
  std::optional<std::string> release() const;
  std::optional<std::string> open_restore() const;
  bool is_left_held(const std::string& note) const;
  bool are_held(bool otherwise, std::stop_token stop) const;
  void run_command(const std::string& name, const service::Command& command,
                   std::stop_token stop) const;
  void refuse_open_restore() const;

  const config::Config& config_;
  const service::Service& service_;
  repo::Repository& repository_;
  const std::string run_;
  const std::stop_token stop_;
};

/// The run that was ended, and may have left the writes of a service held: a killed backup, as far
/// as this machine knows, or a restore that is still open. Runs no command. Empty: there is none.
/// `repository`, `catalog`: null where they can't be opened.   Errors: none: what can't be read is
/// not known.
std::optional<std::string> left_held(const config::Config& config, const service::Service& service,
                                     repo::Repository* repository, catalog::Catalog* catalog);

}  // namespace salvor::control::internal
