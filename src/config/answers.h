#pragma once

#include <initializer_list>
#include <stop_token>
#include <string>
#include <vector>

#include "config/config.h"

/// Which paths of a configuration answer (base/answers.h). load_config() asks them, before anything
/// else looks at one; a verb requires those that it needs, and looks at no other that is silent.
namespace salvor::config {

/// A path that somebody has named, and what it is to them: "the directory of --into".
struct NamedPath {
  std::filesystem::path path;
  std::string what;
};

/// Asks what `looks` says, the mounts below it included, and adds to `config.silent` what does not
/// answer. Errors: failed: see paths_without_answer().
void ask_configured_paths(Config& config, Looks looks);

/// Whether the path may be looked at: neither it nor what it lies in is silent.
bool answers(const Config& config, const std::filesystem::path& path);

/// real_path(), without a look at what does not answer.
std::filesystem::path real_place(const Config& config, const std::filesystem::path& path);

/// Errors: unreachable, naming all that is silent of these roles and is of no service.
void require_answers(const Config& config, std::initializer_list<SilentPath::Role> roles);

/// The same for the stores of a service (empty: all; else those with these names).
void require_stores_answer(const Config& config, const ServiceConfig& service,
                           const std::vector<std::string>& stores = {});

/// The same for what a restore in place needs: also the logs that its watch reads.
void require_live_answers(const Config& config, const ServiceConfig& service,
                          const std::vector<std::string>& stores);

/// The same for the directory of its drills.
void require_staging_answers(const Config& config, const ServiceConfig& service);

/// Asks paths that the configuration does not name. Where its own have used up the wait, these get
/// a few seconds.   Errors: unreachable; cancelled.
void require_answers_of(const std::vector<NamedPath>& paths, const Config& config,
                        std::stop_token stop);

/// The same without a configuration.
void require_answers_of(const std::vector<NamedPath>& paths, std::int64_t wait_s,
                        std::stop_token stop);

}  // namespace salvor::config
