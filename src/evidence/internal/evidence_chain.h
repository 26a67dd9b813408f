#pragma once

#include <string>
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

/// The bytes of a record's envelope; empty: it is missing, damaged, or was set aside. `why` then
/// says which.   Errors: unreachable.
std::string read_record(repo::Chain& chain, std::uint64_t number, std::string& why);

/// What the record with this number had, by the recovery points; empty: none knows.
std::string known_digest(const repo::Repository& repository, const std::string& service,
                         std::uint64_t number);

}  // namespace salvor::evidence::internal
