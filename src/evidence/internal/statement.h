#pragma once

#include "evidence/evidence.h"

/// What records and heads say, as in-toto statements in canonical JSON (docs/evidence.md).
namespace salvor::evidence::internal {

inline constexpr std::string_view kStatementType = "https://in-toto.io/Statement/v1";
inline constexpr std::string_view kRecordType = "urn:salvor:evidence:1";
inline constexpr std::string_view kHeadType = "urn:salvor:evidence-head:1";

/// Where a record stands in its chain.
struct RecordPosition {
  std::uint64_t sequence = 1;
  std::string previous;  ///< digest of the envelope before; empty for the first, or: not known
};

/// So many items of a list are in a record.
inline constexpr std::size_t kItemsMax = 1000;

std::string statement_of(repo::Repository& repository, const EvidenceRecord& record,
                         const RecordPosition& position);

/// `gaps`: the numbers of the records that the export does not have.
std::string head_statement(repo::Repository& repository, const std::string& service,
                           const EvidenceHead& head, const std::vector<std::uint64_t>& gaps,
                           Time exported);

}  // namespace salvor::evidence::internal
