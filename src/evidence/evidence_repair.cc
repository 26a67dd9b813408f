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

/// The gaps that no record names, without those that can't be read only for now.
std::vector<EvidenceGap> unnamed_in(const EvidenceReport& report) {
  std::vector<EvidenceGap> unnamed;
  std::ranges::copy_if(report.gaps, std::back_inserter(unnamed), [](const EvidenceGap& gap) {
    return gap.named_by == 0 && !gap.may_come_back;
  });
  return unnamed;
}

/// The gap at that record's number; null: the record can be read.
const EvidenceGap* gap_at(const EvidenceReport& report, std::uint64_t number) {
  const auto found = std::ranges::find_if(report.gaps, [number](const EvidenceGap& gap) {
    return gap.record == number && !gap.is_readable;
  });
  return found == report.gaps.end() ? nullptr : &*found;
}

/// Whether the last record can't be read just now. The next record needs its digest.
bool is_end_unreadable(const EvidenceReport& report) {
  const EvidenceGap* end = gap_at(report, report.records);
  return end != nullptr && end->may_come_back;
}

std::string left_as_it_is(const std::string& object) {
  return fmt::format(
      "left {} as it is: its bytes can't be read now, so nothing says that it is lost; make the "
      "medium readable again, or, once it is sure that it is broken there, move that object out "
      "of the repository, and repair again",
      object);
}

std::string words_of(const EvidenceGap& gap) {
  return gap.is_readable
             ? fmt::format("the record that had number {} is lost, and another has it", gap.record)
             : fmt::format("record {} is lost", gap.record);
}

enum class Appended {
  yes,
  no,       ///< the chain is no longer what the report says: look again
  not_now,  ///< the last record can't be read now
};

/// Appends one record that names as many gaps as it has room for.
Appended append_lost(repo::Repository& repository, repo::Chain& chain, EvidenceRecord record,
                     const EvidenceReport& report, const std::vector<EvidenceGap>& unnamed) {
  record.kind = "lost";
  record.result = "lost";
  record.ended = Clock::system().now();
  // Continue behind records that were cut off, too: no number is given twice.
  std::uint64_t end = report.records;
  for (const EvidenceGap& gap : unnamed) {
    end = std::max(end, gap.record);
    if (record.lost.size() == internal::kItemsMax) continue;
    record.lost.push_back({gap.record, gap.digest});
    record.deviations.push_back(words_of(gap));
  }
  std::string previous;
  if (end != 0) {
    const StoredEvidence before = internal::read_record(chain, end);
    if (before.may_come_back) return Appended::not_now;
    const bool is_lost = !before.problem.empty();
    if (is_lost != (gap_at(report, end) != nullptr)) return Appended::no;
    previous = is_lost ? internal::known_digest(repository, record.service, end)
                       : internal::sha256_hex(before.envelope);
  }
  const std::string statement = internal::statement_of(repository, record, {end + 1, previous});
  const std::string envelope = internal::seal_envelope(statement, signing_key(repository));
  return internal::append_record(chain, end + 1, envelope) ? Appended::yes : Appended::no;
}

std::string named_so_many(const std::string& service, std::size_t named) {
  return fmt::format("wrote into the evidence of {} that {} of its records {} lost",
                     service.empty() ? "the repository" : printable(service), named,
                     named == 1 ? "is" : "are");
}

/// Names all gaps, in as many records as that takes.
EvidenceReport name_gaps(repo::Repository& repository, repo::Chain& chain,
                         const EvidenceRecord& record, std::uint64_t sequence_seen,
                         std::vector<std::string>& done) {
  const std::string& service = record.service;
  EvidenceReport report = verify_chain(repository, service, sequence_seen);
  std::vector<EvidenceGap> unnamed = unnamed_in(report);
  while (!unnamed.empty() && !is_end_unreadable(report)) {
    const std::size_t before = unnamed.size();
    const Appended appended = append_lost(repository, chain, record, report, unnamed);
    if (appended == Appended::not_now) {
      done.push_back(left_as_it_is(chain.object_name(report.records)));
      return report;
    }
    report = verify_chain(repository, service, sequence_seen);
    unnamed = unnamed_in(report);
    if (appended == Appended::no) continue;
    if (unnamed.size() < before) {
      done.push_back(named_so_many(service, before - unnamed.size()));
    } else if (!is_end_unreadable(report)) {
      throw Error(ErrorCode::conflict,
                  "the evidence of " + printable(service) + " changed while it was repaired",
                  "try again")
          .as_retryable();
    }
  }
  return report;
}

}  // namespace

std::vector<std::string> repair_chain(repo::Repository& repository, EvidenceRecord record,
                                      std::uint64_t sequence_seen) {
  repo::Chain chain = internal::evidence_chain(repository, record.service);
  std::vector<std::string> done;
  // Sign the loss first, then set the rest of the records aside: a number in use is not given
  // again.
  const EvidenceReport report = name_gaps(repository, chain, record, sequence_seen, done);
  for (const EvidenceGap& gap : report.gaps) {
    if (gap.is_readable) continue;
    if (gap.named_by == 0) {
      if (gap.may_come_back) done.push_back(left_as_it_is(chain.object_name(gap.record)));
      continue;
    }
    std::string line = chain.give_up(gap.record);
    if (!line.empty()) done.push_back(std::move(line));
  }
  return done;
}

}  // namespace salvor::evidence
