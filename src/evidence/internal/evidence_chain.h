#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "evidence/evidence.h"
#include "repo/records.h"

/// A chain of evidence, for those who write to it and those who verify it.
namespace salvor::evidence::internal {

/// A head that something outside of the chain remembers.
struct KnownHead {
  EvidenceHead head;
  std::string source;  ///< "recovery point …"
};
std::vector<KnownHead> heads_in_points(const repo::Repository& repository,
                                       const std::string& service);

repo::Chain evidence_chain(repo::Repository& repository, std::string_view service);

/// A record, as one read gave it.   Errors: unreachable.
StoredEvidence read_record(repo::Chain& chain, std::uint64_t number);

/// Appends a record. False: another one has its number, or nobody can read who has it: look again.
/// Errors: as repo::Chain::append(), but for corruption.
bool append_record(repo::Chain& chain, std::uint64_t number, const std::string& envelope);

/// What to do about a record that can't be read now; for hints.
inline constexpr std::string_view kUnreadableHint =
    "try again, once the medium gives it; where it is sure that the medium is broken there, move "
    "that object out of the repository, and run `salvor verify --repair`, which says in the "
    "evidence that it is lost";

/// What the record with this number had, by the recovery points; empty: none knows.
std::string known_digest(const repo::Repository& repository, const std::string& service,
                         std::uint64_t number);

}  // namespace salvor::evidence::internal
