#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "evidence/evidence.h"
#include "evidence/internal/envelope.h"
#include "evidence/internal/evidence_chain.h"
#include "evidence/internal/statement.h"

namespace salvor::evidence {
namespace {

using Document = nlohmann::ordered_json;

std::string title_of(const std::string& service) {
  return service.empty() ? "the repository" : printable(service);
}

/// Requires that a signed record says of each of these that it is lost: the head will say so.
/// Errors: unreachable: one of these records can't be read now, and no signed one names it.
void require_lost(const EvidenceReport& report, const std::vector<StoredEvidence>& unreadable) {
  for (const StoredEvidence& stored : unreadable) {
    const bool is_named = std::ranges::any_of(report.gaps, [&stored](const EvidenceGap& gap) {
      return gap.record == stored.number && !gap.is_readable && gap.named_by != 0;
    });
    if (is_named) continue;
    throw Error(ErrorCode::unreachable,
                fmt::format("the evidence of {} can't be exported: {}", title_of(report.service),
                            stored.problem),
                std::string(internal::kUnreadableHint));
  }
}

/// Errors: corruption, when a record is lost that no signed one names, or was exchanged.
void require_named(const EvidenceReport& report, const std::string& service) {
  const auto unnamed = std::ranges::find(report.gaps, 0U, &EvidenceGap::named_by);
  if (unnamed == report.gaps.end()) return;
  throw Error(ErrorCode::corruption,
              fmt::format("evidence record {} of {} is lost, and no signed record says so",
                          unnamed->record, title_of(service)),
              "write into the evidence what is lost: salvor verify --repair; or export what is "
              "there: add --with-gaps");
}

}  // namespace

std::string export_chain(repo::Repository& repository, const std::string& service, Time now,
                         Gaps gaps, std::uint64_t sequence_seen) {
  const codec::SigningKey key = signing_key(repository);
  EvidenceHead head;
  Document records = Document::array();
  std::vector<std::uint64_t> lost;
  std::vector<StoredEvidence> unreadable;
  read_chain(repository, service, [&](const StoredEvidence& stored) {
    const bool is_lost = !stored.problem.empty();
    head = {stored.number, is_lost ? "" : internal::sha256_hex(stored.envelope)};
    if (is_lost) lost.push_back(stored.number);
    if (stored.may_come_back) unreadable.push_back(stored);
    records.push_back(is_lost ? Document() : parse_json<Document>(stored.envelope));
  });
  const EvidenceReport report = verify_chain(repository, service, sequence_seen);
  require_lost(report, unreadable);
  if (gaps == Gaps::refuse) require_named(report, service);
  const std::string statement = internal::head_statement(repository, service, head, lost, now);
  Document document = {{"salvor_evidence", 1},
                       {"service", printable(service)},
                       {"public_key", codec::write_public_key_pem(key.public_key())},
                       {"exported", format_time(now)},
                       {"records", std::move(records)}};
  if (!lost.empty()) document["gaps"] = lost;
  document["head"] = parse_json<Document>(internal::seal_envelope(statement, key));
  return write_json(document, 1) + "\n";
}

}  // namespace salvor::evidence
