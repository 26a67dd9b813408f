#pragma once

#include <initializer_list>
#include <stop_token>
#include <string>
#include <vector>

#include "config/config.h"
#include "service/service.h"

/// Which paths of a configuration answer (base/answers.h says what that means). load_config() asks
/// them before anything else looks at one, and notes those that are silent. A verb then requires
/// those that it needs, and looks at no other that is silent:
///     const Config config = load_config(path);
///     require_answers(config, {SilentPath::Role::repository, SilentPath::Role::secret});
///     require_stores_answer(config, service);
/// Errors: of every require: unreachable, naming all that does not answer, and what each is.
namespace salvor::config {

/// A path that a user has named, and what it is to that user: "the directory of --into". A value.
struct NamedPath {
  std::filesystem::path path;
  std::string what;
};

/// Asks the paths that `looks` selects, and what their links and the mounts below them lead to.
/// What does not answer is added to `config.silent`.
/// Errors: failed: see paths_without_answer().
void ask_configured_paths(Config& config, Looks looks);

/// Whether the path may be looked at: neither it nor a directory above it is silent. It looks at
/// nothing itself.
bool answers(const Config& config, const std::filesystem::path& path);

/// real_path() for a path that answers; for one that does not, the path without "." and "..".
std::filesystem::path real_place(const Config& config, const std::filesystem::path& path);

/// Requires the paths with these roles, of whatever service.
void require_answers(const Config& config, std::initializer_list<SilentPath::Role> roles);

/// Requires the stores of a service: those with these names, or all where `stores` is empty.
void require_stores_answer(const Config& config, const service::Service& service,
                           const std::vector<std::string>& stores = {});

/// Requires what a restore in place needs: the stores, and the logs that its watch reads.
void require_live_answers(const Config& config, const service::Service& service,
                          const std::vector<std::string>& stores);

/// Requires the directory where drills of a service restore to.
void require_staging_answers(const Config& config, const service::Service& service);

/// Asks paths that the configuration does not name, such as those of an option. Where the
/// configured paths have used up the wait already, these get at most 5 seconds.
/// Errors: unreachable; cancelled.
void require_answers_of(const std::vector<NamedPath>& paths, const Config& config,
                        std::stop_token stop);

/// The same without a configuration.
void require_answers_of(const std::vector<NamedPath>& paths, std::int64_t wait_s,
                        std::stop_token stop);

}  // namespace salvor::config
