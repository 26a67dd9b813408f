#include "control/check_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/log.h"
#include "config/own_places.h"
#include "config/secret_source.h"
#include "config/silent_paths.h"
#include "control/caller.h"
#include "control/internal/choose_point.h"
#include "control/internal/command_words.h"
#include "control/internal/opened.h"
#include "control/restore_in_place.h"

namespace salvor::control {
namespace {

/// Where the newest point of a service comes from, if it is not from here.
void note_hosts(const repo::Repository& repository, const internal::Owner& owner,
                ConfigCheckReport& report) {
  const repo::Point* newest = nullptr;
  for (const repo::Point& point : repository.points()) {
    const bool counts = point.service == owner.service && !point.is_safety_snapshot();
    if (counts && !point.host().empty()) newest = &point;
  }
  if (newest == nullptr || newest->host() == owner.host) return;
  report.notes.push_back(fmt::format(
      "service {}: the newest recovery point is of host {}, and this is host {}{}", owner.service,
      printable(newest->host()), printable(owner.host),
      owner.shared ? ""
                   : ": its points do not count for this host (see the keys host and shared)"));
}

/// Tries the passphrase even if opening the repository did not ask for it.
void check_passphrase(const config::Config& config, const Caller& caller,
                      ConfigCheckReport& report) {
  const bool was_asked_for = !report.repository_absent && !config.repository.key_file;
  if (was_asked_for || !report.repository_problem.empty()) return;
  if (config.repository.passphrase.kind == config::SecretReference::Kind::none) return;
  config::require_answers(config, {config::SilentPath::Role::secret});
  try {
    config::read_passphrase(config.repository.passphrase, caller.stop);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled) throw;
    report.repository_problem = error.message();
  }
}

void check_repository(const config::Config& config, const Caller& caller,
                      ConfigCheckReport& report) {
  try {
    const internal::Opened opened =
        internal::open_repository(config, repo::Access::read, caller.stop);
    for (const service::Service& service : config.services) {
      note_hosts(*opened.repository, internal::owner_of(config, service.name), report);
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled) throw;
    report.unreachable = report.unreachable || error.code() == ErrorCode::unreachable;
    const std::string known = internal::known_repository_at(config);
    if (error.code() == ErrorCode::not_found && !known.empty()) {
      report.unreachable = true;
      report.repository_problem = error.message() + ": " + error.hint();
    } else if (error.code() == ErrorCode::not_found) {
      report.repository_absent = true;
    } else {
      report.repository_problem = error.message();
    }
  }
}

/// Why a store can't be read; empty: it can.
std::string problem_reaching(const config::Config& config, const service::Service& service,
                             const service::Store& store, ConfigCheckReport& report) {
  try {
    config::require_stores_answer(config, service, {store.name});
  } catch (const Error& error) {
    report.unreachable = true;
    return error.message();
  }
  return store.type->obstacle(store.settings);
}

}  // namespace

bool ConfigCheckReport::good() const {
  return repository_problem.empty() &&
         std::all_of(stores.begin(), stores.end(),
                     [](const StoreReachability& store) { return store.problem.empty(); });
}

ConfigCheckReport check_config(const config::Config& config, const Caller& caller) {
  config::check_paths(config);
  for (const service::Service& service : config.services) config::check_overlaps(config, service);
  for (const std::string& warning : config::secrets_in_stores(config)) {
    log::warning("{}", warning);
  }
  using Role = config::SilentPath::Role;
  config::require_answers(config, {Role::state});
  ConfigCheckReport report;
  report.file = config.file.native();
  report.location = config.repository.path.native();
  report.host = config.host;
  for (const service::Service& service : config.services) {
    for (const service::Store& store : service.stores) {
      report.stores.push_back({service.name, store.name, std::string(store.type->name()),
                               store.location().text,
                               problem_reaching(config, service, store, report)});
    }
  }
  check_repository(config, caller, report);
  check_passphrase(config, caller, report);
  report.warnings = config::idle_sections(config);
  for (std::string& line : internal::commands_not_found(config)) {
    report.warnings.push_back(std::move(line));
  }
  return report;
}

}  // namespace salvor::control
