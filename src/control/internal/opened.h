#pragma once

#include <memory>
#include <stop_token>

#include "backend/backend.h"
#include "config/config.h"
#include "control/internal/logbook.h"
#include "repo/repository.h"

/// From the configuration to an opened repository.
namespace salvor::control::internal {

/// Threads: as the repository.   Lifetime: owns both.
struct Opened {
  std::unique_ptr<backend::Backend> backend;
  std::unique_ptr<repo::Repository> repository;
};

/// The configured medium, with retries. Errors: not_found: nothing is there.
std::unique_ptr<backend::Backend> open_backend(const config::Config& config, std::stop_token stop);

/// The same; its directory is made when it is missing.
std::unique_ptr<backend::Backend> create_backend(const config::Config& config);

/// Opens with the key file where there is one, since that costs nothing, else with the passphrase.
/// One that is opened to be read and can't be written to is warned about.
/// Errors: not_found: there is no repository, and the hint says whether the catalog knows one at
///         this place: then it may not be mounted; configuration: nothing opens it; corruption;
///         unreachable: it, or what opens it, does not answer.
Opened open_repository(const config::Config& config, repo::Access access, std::stop_token stop);

/// The repository that this host's catalog knows at the configured place; empty: none, or there is
/// no catalog. It is there no more, or its file system is not mounted.   Errors: none.
std::string known_repository_at(const config::Config& config);

/// What to do where that repository is not found.
std::string hint_on_known_repository(const std::string& id);

/// Says once a process that a repository can't be written to, and why. Nothing where it can be.
void warn_if_unwritable(const Opened& opened);
/// The same for what a put has met.
void warn_unwritable(const repo::Repository& repository, const Error& why);

/// That the log is shorter than this machine has seen it; empty: it is not.
std::string note_on_older_copy(repo::Repository& repository, Logbook& logbook);

/// The command by which this machine goes by an older copy from then on.
std::string command_to_accept(const repo::Repository& repository);

/// Why nothing may be committed to it, a safety snapshot for example: it can't be written to, or is
/// an older copy, whose log would look newer than the lost one with each commit.
std::optional<Error> why_no_commit(const Opened& opened, Logbook& logbook);

/// What to do about a log that is shorter than this machine has seen it.
enum class ShorterLog { warn, refuse };

/// Compares the log with what this machine remembers. Errors: corruption, with `refuse`.
void compare_head(repo::Repository& repository, Logbook& logbook, ShorterLog shorter);

}  // namespace salvor::control::internal
