#pragma once

#include <optional>
#include <string>

#include "control/caller.h"
#include "control/internal/logbook.h"
#include "control/verify.h"
#include "repo/repository.h"

/// An older copy of the repository, in the place of one that this machine has seen further.
namespace salvor::control::internal {

/// Where the log is damaged, it is shorter, too, and where it ends is not known.
bool can_read_log(const repo::Repository& repository);

/// Makes the repository as it is what this machine goes by: its log, its evidence, and its
/// journals, into which this machine's catalog first writes back the restores that the copy does
/// not have. What is lost is in the evidence before anything is forgotten. A chain whose last
/// record can't be read now is left out and named (OlderCopy::refused), and can be accepted later;
/// where it is the repository's own, the log is not accepted either. Killed anywhere, it can be
/// done again. `found`: where the log ended before a repair wrote to it. Where neither log nor
/// evidence is shorter than this machine has seen it, and no restore is missing, nothing is done,
/// and nothing returned. Errors: corruption: the log can't be read; those of the repository and of
/// the catalog.
std::optional<OlderCopy> accept_older_copy(const config::Config& config,
                                           repo::Repository& repository, Logbook& logbook,
                                           std::uint64_t found, const std::string& run,
                                           const Caller& caller);

}  // namespace salvor::control::internal
