#include "control/internal/opened.h"

#include <fmt/format.h>

#include <mutex>
#include <set>

#include "backend/local.h"
#include "backend/retry.h"
#include "base/log.h"
#include "config/key_file.h"
#include "config/secret_source.h"
#include "config/silent_paths.h"

namespace salvor::control::internal {
namespace {

std::unique_ptr<repo::Repository> open_with(backend::Backend& backend,
                                            const repo::Credentials& credentials,
                                            repo::Access access) {
  return repo::Repository::open(backend, credentials, access, Clock::system(), Rng::system());
}

bool has_passphrase(const config::Config& config) {
  return config.repository.passphrase.kind != config::SecretReference::Kind::none;
}

/// Empty when the key file can't be used, but there is a passphrase.
std::unique_ptr<repo::Repository> open_by_key_file(const config::Config& config,
                                                   backend::Backend& backend, repo::Access access,
                                                   const std::stop_token& stop) {
  if (!config.repository.key_file) return nullptr;
  try {
    repo::Credentials credentials;
    credentials.private_key = config::read_key_file(*config.repository.key_file, stop);
    return open_with(backend, credentials, access);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::configuration || !has_passphrase(config)) throw;
    log::warning("{}; using the passphrase instead", error.message());
    return nullptr;
  }
}

}  // namespace

std::unique_ptr<backend::Backend> open_backend(const config::Config& config, std::stop_token stop) {
  backend::RetryOptions options;
  options.stop = std::move(stop);
  return backend::with_retry(backend::open_local(config.repository.path), options);
}

std::unique_ptr<backend::Backend> create_backend(const config::Config& config) {
  return backend::with_retry(backend::create_local(config.repository.path));
}

std::string known_repository_at(const config::Config& config) {
  try {
    std::error_code error;
    // Who only looks begins no catalog.
    if (!std::filesystem::exists(config.state_directory / "catalog.sqlite", error)) return {};
    return open_catalog(config)->repository_at(config.repository.path.native()).value_or("");
  } catch (const Error&) {
    return {};  // whoever needs the catalog says why
  }
}

std::string hint_on_known_repository(const std::string& id) {
  return fmt::format(
      "the catalog of this host knows repository {} at this URL: its file system may not be "
      "mounted; mount it, or correct [repository] url; where that repository is gone for good, "
      "create another one: salvor init --replace-known",
      id);
}

namespace {

Opened open_found(const config::Config& config, repo::Access access, std::stop_token stop) {
  Opened opened;
  opened.backend = open_backend(config, stop);
  opened.repository = open_by_key_file(config, *opened.backend, access, stop);
  if (!opened.repository) {
    repo::Credentials credentials;
    credentials.passphrase = config::read_passphrase(config.repository.passphrase, std::move(stop));
    opened.repository = open_with(*opened.backend, credentials, access);
  }
  // Only warn: a verb that writes gets an error of its own.
  const bool reads = access == repo::Access::read || access == repo::Access::inspect;
  if (reads) warn_if_unwritable(opened);
  return opened;
}

}  // namespace

Opened open_repository(const config::Config& config, repo::Access access, std::stop_token stop) {
  config::require_answers(config,
                          {config::SilentPath::Role::repository, config::SilentPath::Role::secret});
  try {
    return open_found(config, access, std::move(stop));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) throw;
    const std::string known = known_repository_at(config);
    if (known.empty()) throw;
    throw Error(error.code(), error.message(), hint_on_known_repository(known));
  }
}

void warn_unwritable(const repo::Repository& repository, const Error& why) {
  static std::mutex mutex;
  static std::set<std::string> told;
  const std::lock_guard lock(mutex);
  if (!told.insert(repository.location()).second) return;
  log::warning("{}; what only reads it works, and evidence waits in this machine's catalog",
               why.message());
}

void warn_if_unwritable(const Opened& opened) {
  if (const auto why = opened.backend->why_unwritable()) warn_unwritable(*opened.repository, *why);
}

std::string note_on_older_copy(repo::Repository& repository, Logbook& logbook) {
  const auto seen = logbook.head(repository.id().hex());
  if (!seen || *seen <= repository.sequence()) return {};
  try {
    // Another process may have appended, and noted it, since this one has read the log.
    repository.refresh();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corruption) throw;
  }
  if (*seen <= repository.sequence()) return {};
  return fmt::format("the repository's log ends at {}, but this machine has seen it at {}",
                     repository.sequence(), *seen);
}

std::string command_to_accept(const repo::Repository& repository) {
  return "salvor verify --accept-older-repository " + repository.id().hex();
}

namespace {

Error older_copy(const repo::Repository& repository, const std::string& message) {
  return {ErrorCode::corruption, message,
          "put the newer copy of the repository in its place again: this one is older, or log "
          "entries were removed; where the newer one is lost, accept this one: " +
              command_to_accept(repository)};
}

}  // namespace

void compare_head(repo::Repository& repository, Logbook& logbook, ShorterLog shorter) {
  const std::string message = note_on_older_copy(repository, logbook);
  if (message.empty()) return;
  if (shorter == ShorterLog::refuse) throw older_copy(repository, message);
  log::warning("{}: newer recovery points are lost, or were removed", message);
}

std::optional<Error> why_no_commit(const Opened& opened, Logbook& logbook) {
  if (auto why = opened.backend->why_unwritable()) return why;
  const std::string message = note_on_older_copy(*opened.repository, logbook);
  if (message.empty()) return std::nullopt;
  return older_copy(*opened.repository, message);
}

}  // namespace salvor::control::internal
