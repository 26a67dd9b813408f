#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "repo/repository.h"

namespace salvor::control::internal {

/// The catalog of this machine. A process has one object for each state directory: who asks for it
/// while another part of the process has it shares it, hence the shared pointer.
/// Threads: any.   Errors: those of the catalog.
std::shared_ptr<catalog::Catalog> open_catalog(const config::Config& config);

/// What this machine remembers of runs: the catalog, for verbs that do not depend on it. What can't
/// be recorded is warned about, once, and the verb goes on without.
/// Threads: one.
/// Errors:  of the constructor: unreachable: the state directory does not answer.
class Logbook {
 public:
  explicit Logbook(const config::Config& config);

  catalog::RunId begin(catalog::RunKind kind, std::string_view service, std::string_view trigger);

  /// Records that this process continues a run, which may be new to this catalog.
  void take_up(const catalog::RunId& id, catalog::RunKind kind, std::string_view service);
  /// `ended`: when; empty: now.
  void finish(const catalog::RunId& id, catalog::RunState state, std::string_view summary_json,
              std::string_view error = {}, std::optional<Time> ended = {});

  /// Records which repository a run is of, once it is opened.
  void file_under(const catalog::RunId& id, const repo::Repository& repository);

  /// Records which repository is at the configured place.
  void note_location(const repo::Repository& repository);

  /// The id of the repository that was last opened at the configured place; empty: not known. A run
  /// is filed under it from its beginning.
  std::string known_repository();

  std::optional<std::uint64_t> head(std::string_view repository_id);
  void note_head(std::string_view repository_id, std::uint64_t sequence);

  /// Held by who brings to a repository what waits in the catalog: two at once would write it
  /// twice.   Errors: those of opening a file.
  Fd lock_waiting() const;

  /// Held by who settles restores that have ended (missing_evidence.h), for the same reason.
  /// Errors: those of opening a file; conflict.
  Fd lock_settling() const;

  /// Makes an older end the one that this machine goes by.   Errors: those of the catalog: else it
  /// would seem to be so.
  void set_head_back(std::string_view repository_id, std::uint64_t sequence);
  std::vector<std::string> heads_below(std::string_view prefix);

  /// Null when it can't be used.
  catalog::Catalog* catalog() { return is_usable_ ? catalog_.get() : nullptr; }

 private:
  template <class Call>
  void attempt(const Call& call);
  Fd lock(const std::string& name, const std::string& what) const;

  const std::string location_;
  const std::filesystem::path state_directory_;
  std::shared_ptr<catalog::Catalog> catalog_;  // stays when it can't be used any more: others have
                                               // its address
  bool is_usable_ = false;
};

}  // namespace salvor::control::internal
