#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "control/caller.h"
#include "repo/check.h"

/// The verb `verify`: whether the repository is sound, and its repair.
namespace salvor::control {

/// How deep to look, and what to do about damage.
struct VerifyRequest {
  bool data = false;
  bool repair = false;
  std::string accept_older;  ///< the id of the repository whose older copy is to be accepted
};

/// That the repository is an older copy than this machine has seen, and was accepted. A value.
struct OlderCopy {
  std::uint64_t seen = 0;         ///< where this machine had seen the end of the log
  std::uint64_t found = 0;        ///< where it ends
  std::string what;               ///< the same as a sentence
  std::vector<std::string> lost;  ///< what else this machine had seen further, a line each
  /// Restores that were written back from this machine's catalog.
  std::vector<std::string> resumed;
  /// Evidence that could not be accepted, since its last record can't be read now: why, and what to
  /// do, a line each. To be done again.
  std::vector<std::string> refused;
};

/// What was found, after the repair where there was one.
/// Units: seconds.
struct VerifyReport {
  std::string run;
  std::string location;
  std::string repository;             ///< its id
  std::optional<OlderCopy> accepted;  ///< empty: nothing was to be accepted
  bool is_older = false;              ///< than this machine has seen it, and it is not accepted
  repo::CheckReport check;            ///< after the repair, if there was one
  std::vector<std::string> repaired;
  /// The records of evidence that the medium does not give now: no repair says that they are lost.
  std::vector<std::string> unreadable;
  std::vector<std::string> logged;  ///< what was warned as it happened
  double duration_s = 0;
  bool repairs = false;  ///< a repair was asked for

  /// That it is damaged, with what to do; empty: it is sound. Code corruption.
  std::optional<Error> damage() const;
};

/// Damage is reported, not thrown.
/// Errors: those of opening; unreachable; cancelled; not_found: `accept_older` is another
///         repository's id.
VerifyReport verify(const config::Config& config, const VerifyRequest& request,
                    const Caller& caller);

/// Keys are a contract: docs/cli.md.
std::string to_json(const VerifyReport& report);

}  // namespace salvor::control
