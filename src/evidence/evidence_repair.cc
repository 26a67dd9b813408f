#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "evidence/evidence.h"
#include "evidence/internal/envelope.h"
#include "evidence/internal/evidence_chain.h"
#include "evidence/internal/statement.h"

namespace salvor::evidence {
namespace {

/// Whether the medium may give the record another time: then nobody can say that it is lost.
bool may_come_back(repo::Chain& chain, const EvidenceGap& gap) {
  return !gap.is_readable && chain.is_unreadable(gap.record);
}

/// The gaps that no record names, and one may.
std::vector<EvidenceGap> unnamed_in(repo::Chain& chain, const EvidenceReport& report) {
  std::vector<EvidenceGap> unnamed;
  std::ranges::copy_if(report.gaps, std::back_inserter(unnamed), [&chain](const EvidenceGap& gap) {
    return gap.named_by == 0 && !may_come_back(chain, gap);
  });
  return unnamed;
}

std::string words_of(const EvidenceGap& gap) {
  return gap.is_readable
             ? fmt::format("the record that had number {} is lost, and another has it", gap.record)
             : fmt::format("record {} is lost", gap.record);
}

/// Appends the record, with as many as it has room for; false: another one had its number first.
bool append_lost(repo::Repository& repository, repo::Chain& chain, EvidenceRecord record,
                 const EvidenceReport& report, const std::vector<EvidenceGap>& unnamed) {
  record.kind = "lost";
  record.result = "lost";
  record.ended = Clock::system().now();
  // Behind what was cut off, too: no number is given twice.
  std::uint64_t end = report.records;
  for (const EvidenceGap& gap : unnamed) {
    end = std::max(end, gap.record);
    if (record.lost.size() == internal::kItemsMax) continue;
    record.lost.push_back({gap.record, gap.digest});
    record.deviations.push_back(words_of(gap));
  }
  std::string why;
  const std::string before = internal::read_record(chain, end, why);
  const std::string previous = before.empty()
                                   ? internal::known_digest(repository, record.service, end)
                                   : internal::sha256_hex(before);
  const std::string statement = internal::statement_of(repository, record, {end + 1, previous});
  const std::string envelope = internal::seal_envelope(statement, evidence_key(repository));
  return chain.append(end + 1, as_bytes(envelope));
}

/// Names all gaps, in as many records as that takes.
EvidenceReport name_gaps(repo::Repository& repository, repo::Chain& chain,
                         const EvidenceRecord& record, std::uint64_t sequence_seen,
                         std::vector<std::string>& done) {
  const std::string& service = record.service;
  EvidenceReport report = verify_evidence(repository, service, sequence_seen);
  // A record has the digest of the one before it.
  if (report.records != 0 && chain.is_unreadable(report.records)) return report;
  std::vector<EvidenceGap> unnamed = unnamed_in(chain, report);
  while (!unnamed.empty()) {
    const std::size_t before = unnamed.size();
    const bool is_written = append_lost(repository, chain, record, report, unnamed);
    report = verify_evidence(repository, service, sequence_seen);
    unnamed = unnamed_in(chain, report);
    const std::size_t left = unnamed.size();
    if (is_written && left >= before) {
      throw Error(ErrorCode::conflict,
                  "the evidence of " + printable(service) + " changed while it was repaired",
                  "try again")
          .as_retryable();
    }
    if (is_written) {
      const std::size_t named = before - left;
      done.push_back(fmt::format("wrote into the evidence of {} that {} of its records {} lost",
                                 service.empty() ? "the repository" : printable(service), named,
                                 named == 1 ? "is" : "are"));
    }
  }
  return report;
}

}  // namespace

std::vector<std::string> repair_evidence(repo::Repository& repository, EvidenceRecord record,
                                         std::uint64_t sequence_seen) {
  repo::Chain chain = internal::evidence_chain(repository, record.service);
  std::vector<std::string> done;
  // First the word, then what is left of them: nobody takes a number that is being set aside.
  const EvidenceReport report = name_gaps(repository, chain, record, sequence_seen, done);
  for (const EvidenceGap& gap : report.gaps) {
    if (gap.is_readable) continue;
    // Not named, so that it can be had again.
    if (gap.named_by == 0 && !may_come_back(chain, gap)) continue;
    std::string line = chain.give_up(gap.record);
    if (!line.empty()) done.push_back(std::move(line));
  }
  return done;
}

}  // namespace salvor::evidence
