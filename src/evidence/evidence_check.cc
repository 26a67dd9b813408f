#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/counted.h"
#include "base/json.h"
#include "evidence/evidence.h"
#include "evidence/internal/envelope.h"
#include "evidence/internal/evidence_chain.h"
#include "evidence/internal/statement.h"
#include "evidence/statement_parts.h"

namespace salvor::evidence {
namespace {

using internal::KnownHead;
using internal::sha256_hex;
using nlohmann::json;

/// A chain that ends earlier than this is reported as a whole, not record by record.
constexpr std::uint64_t kEndMax = 100'000;

/// Follows a chain, record by record.   Threads: one.
class ChainReader {
 public:
  ChainReader(std::string service, ByteView public_key, std::vector<KnownHead> known)
      : public_key_(public_key), known_(std::move(known)) {
    report_.service = std::move(service);
    report_.key_id = key_id_of(public_key);
  }

  /// The next record, as canonical JSON.
  void add(std::string_view envelope) {
    ++report_.records;
    const std::string before = std::move(digest_);
    digest_ = sha256_hex(envelope);
    compare_known();
    try {
      check(parse_json(internal::open_envelope(envelope, public_key_)), before);
    } catch (const Error& error) {
      problem(report_.records, error.message());
    }
  }

  /// The next record is lost. A later one may say so.
  void add_lost(const std::string& why, bool may_come_back = false) {
    ++report_.records;
    digest_.clear();
    Doubt doubt{{report_.records, digest_known(report_.records)}, why};
    doubt.gap.may_come_back = may_come_back;
    doubts_.push_back(std::move(doubt));
  }

  /// The next record can be read, but is not a record of evidence.
  void add_foreign(const std::string& why) {
    ++report_.records;
    digest_.clear();
    problem(report_.records, why);
  }

  void problem(std::uint64_t record, std::string what) {
    report_.problems.push_back({record, std::move(what)});
  }

  EvidenceReport finish() {
    look_at_end();
    for (Doubt& doubt : doubts_) settle(doubt);
    std::ranges::stable_sort(report_.gaps, {}, &EvidenceGap::record);
    // Findings about the whole chain come last.
    std::ranges::stable_sort(report_.problems, {},
                             [](const EvidenceProblem& each) { return each.record - 1; });
    return std::move(report_);
  }

  const std::string& digest() const { return digest_; }
  EvidenceReport& report() { return report_; }

 private:
  /// A record that seems to be lost, as long as no later record says more of it.
  struct Doubt {
    EvidenceGap gap;
    std::string why;
  };
  /// What a signed record says of one that is lost.
  struct Naming {
    std::uint64_t sequence = 0;
    std::string since;
    std::string digest;
  };

  std::string digest_known(std::uint64_t number) const {
    const auto found = std::ranges::find_if(known_, [number](const KnownHead& known) {
      return known.head.sequence == number && !known.head.digest.empty();
    });
    return found == known_.end() ? "" : found->head.digest;
  }

  void compare_known() {
    for (const KnownHead& known : known_) {
      const EvidenceHead& head = known.head;
      if (head.sequence != report_.records || head.digest.empty() || head.digest == digest_) {
        continue;
      }
      Doubt doubt{{report_.records, head.digest},
                  fmt::format("it is not the record that {} knows", known.source)};
      doubt.gap.is_readable = true;
      doubts_.push_back(std::move(doubt));
    }
  }

  void look_at_end() {
    std::uint64_t end = 0;
    for (const KnownHead& known : known_) {
      if (known.head.sequence <= report_.records) continue;
      end = std::max(end, known.head.sequence);
      problem(0,
              fmt::format("the end is cut off: found {}, but {} knows {}",
                          counted(report_.records, "record"), known.source, known.head.sequence));
    }
    if (end > report_.records + kEndMax) return;
    for (std::uint64_t number = report_.records + 1; number <= end; ++number) {
      report_.gaps.push_back({number, digest_known(number)});
    }
  }

  void settle(Doubt& doubt) {
    EvidenceGap& gap = doubt.gap;
    const auto [begin, end] = named_.equal_range(gap.record);
    const auto naming = std::find_if(begin, end, [&gap](const auto& named) {
      const std::string& digest = named.second.digest;
      if (digest == gap.digest) return true;
      // The number may have been given twice. A digest says which of the two is meant; without one
      // it is the one that can't be read.
      return !gap.is_readable && (digest.empty() || gap.digest.empty());
    });
    if (naming != end) {
      gap.named_by = naming->second.sequence;
      gap.since = naming->second.since;
      if (!naming->second.digest.empty()) gap.digest = naming->second.digest;
    } else {
      report_.problems.push_back({gap.record, std::move(doubt.why), true});
    }
    // Several points may know the same record. Doubts come in order of records.
    const bool is_told = !report_.gaps.empty() && report_.gaps.back().record == gap.record &&
                         report_.gaps.back().digest == gap.digest;
    if (!is_told) report_.gaps.push_back(std::move(gap));
  }

  void check(const json& statement, const std::string& before) {
    if (statement.value("_type", json()) != internal::kStatementType ||
        statement.value("predicateType", json()) != internal::kRecordType) {
      problem(report_.records, "it is signed, but it is no record of evidence");
      return;
    }
    const std::size_t problems_before = report_.problems.size();
    const json predicate = statement.value("predicate", json::object());
    const auto expect = [&](const char* name, const json& expected) {
      const json found = predicate.is_object() ? predicate.value(name, json()) : json();
      if (found == expected) return;
      problem(report_.records,
              fmt::format("its {} is {}, expected {}", name, printable(write_json(found)),
                          printable(write_json(expected))));
    };
    expect("sequence", report_.records);
    expect("service", printable(report_.service));
    if (report_.records == 1 || !before.empty()) expect("previous", before);
    if (report_.repository.empty() && predicate.is_object()) {
      report_.repository = string_in(predicate, "repository");
    }
    expect("repository", report_.repository);
    if (report_.problems.size() == problems_before) learn(predicate);
  }

  /// What a record that verifies says of others.
  void learn(const json& predicate) {
    const std::string previous = string_in(predicate, "previous");
    for (auto doubt = doubts_.rbegin(); doubt != doubts_.rend(); ++doubt) {
      if (doubt->gap.record + 1 < report_.records) break;
      const bool is_before = doubt->gap.record + 1 == report_.records && !doubt->gap.is_readable;
      if (is_before && !previous.empty()) doubt->gap.digest = previous;
    }
    const json lost = predicate.value("lost", json::array());
    if (!lost.is_array()) return;
    for (const json& item : lost) {
      const json number = item.is_object() ? item.value("record", json()) : json();
      if (!number.is_number_unsigned()) continue;
      const auto record = number.get<std::uint64_t>();
      // A record can't name one that is lost only later.
      if (record == 0 || record >= report_.records) continue;
      named_.emplace(record, Naming{report_.records, string_in(predicate, "ended"),
                                    string_in(item, "sha256")});
    }
  }

  ByteView public_key_;
  std::vector<KnownHead> known_;
  EvidenceReport report_;
  std::string digest_;  ///< of the record before; empty: there is none, or it is lost
  std::vector<Doubt> doubts_;
  std::multimap<std::uint64_t, Naming> named_;
};

/// An exported document, while it is verified.
class ExportedFile {
 public:
  ExportedFile(const json& document, ByteView public_key)
      : document_(document), public_key_(public_key), reader_(text_of("service"), public_key, {}) {}

  EvidenceReport verify() {
    static const std::set<std::string> kMembers = {
        "salvor_evidence", "service", "public_key", "exported", "records", "gaps", "head"};
    for (const auto& [name, value] : document_.items()) {
      if (!kMembers.contains(name)) whole(fmt::format("\"{}\" is not signed", printable(name)));
    }
    if (document_.value("salvor_evidence", json()) != 1) whole("it is of another version");
    if (text_of("public_key") != codec::write_public_key_pem(public_key_)) {
      whole("the public key in it is not the one that it is verified with");
    }
    for (const json& record : document_.value("records", json::array())) {
      if (record.is_null()) {
        reader_.add_lost("it is lost, and no signed record says so");
        gaps_.push_back(reader_.report().records);
      } else {
        reader_.add(write_json(record));
      }
    }
    if (document_.value("gaps", json::array()) != json(gaps_)) {
      whole("its gaps are not those that it says it has");
    }
    try {
      const std::string head = write_json(document_.value("head", json()));
      check_head(parse_json(internal::open_envelope(head, public_key_)));
    } catch (const Error& error) {
      whole("the head: " + error.message());
    }
    EvidenceReport report = reader_.finish();
    report.exported = printable(text_of("exported"));
    return report;
  }

 private:
  std::string text_of(const char* name) const {
    const json value = document_.value(name, json());
    return value.is_string() ? value.get<std::string>() : "";
  }

  void whole(std::string what) { reader_.problem(0, std::move(what)); }

  void check_head(const json& statement) {
    const json predicate = statement.value("predicate", json());
    if (statement.value("_type", json()) != internal::kStatementType ||
        statement.value("predicateType", json()) != internal::kHeadType || !predicate.is_object()) {
      whole("the head: it is signed, but it is no head of a chain");
      return;
    }
    EvidenceReport& report = reader_.report();
    const auto compare = [&](const char* name, const json& found) {
      const json signed_value = predicate.value(name, json());
      if (signed_value == found) return;
      whole(fmt::format("the head says that {} is {}, found {}", name,
                        printable(write_json(signed_value)), printable(write_json(found))));
    };
    compare("sequence", report.records);
    compare("digest", reader_.digest());
    compare("service", text_of("service"));
    compare("exported", text_of("exported"));
    // A chain without records says no repository.
    if (!report.repository.empty()) compare("repository", report.repository);
    compare_gaps(predicate.value("gaps", json::array()));
  }

  /// The signed head names the records that the owner lacked. Any other record that the file lacks
  /// was cut out of it.
  void compare_gaps(const json& signed_gaps) {
    std::set<std::uint64_t> expected;
    if (signed_gaps.is_array()) {
      for (const json& gap : signed_gaps) {
        if (gap.is_number_unsigned()) expected.insert(gap.get<std::uint64_t>());
      }
    }
    for (const std::uint64_t gap : gaps_) {
      if (expected.erase(gap) != 0) continue;
      reader_.problem(gap, "it was cut out of the file: the head does not say that it is lost");
    }
    for (const std::uint64_t gap : expected) {
      reader_.problem(gap, "it is in the file, though the head says that it is lost");
    }
  }

  const json& document_;
  ByteView public_key_;
  ChainReader reader_;
  std::vector<std::uint64_t> gaps_;
};

EvidenceReport unreadable_file(const std::string& why) {
  EvidenceReport report;
  report.problems.push_back({0, why});
  return report;
}

}  // namespace

bool EvidenceReport::is_sound_but_for_gaps() const {
  return std::ranges::all_of(problems, &EvidenceProblem::is_gap);
}

EvidenceReport verify_chain(repo::Repository& repository, const std::string& service,
                            std::uint64_t sequence_seen) {
  const codec::SigningKey key = signing_key(repository);
  std::vector<KnownHead> known = internal::heads_in_points(repository, service);
  known.push_back({{sequence_seen, ""}, "this machine"});
  ChainReader reader(service, key.public_key(), std::move(known));
  reader.report().repository = repository.id().hex();
  read_chain(repository, service, [&](const StoredEvidence& stored) {
    if (!stored.problem.empty()) {
      reader.add_lost(stored.problem, stored.may_come_back);
      return;
    }
    const json envelope = try_parse_json(stored.envelope);
    if (envelope.is_discarded() || write_json(envelope) != stored.envelope) {
      reader.add_foreign(stored.object + " is not canonical JSON");
    } else {
      reader.add(stored.envelope);
    }
  });
  return reader.finish();
}

EvidenceReport verify_export(std::string_view text, ByteView public_key) {
  if (internal::nests_too_deep(text)) return unreadable_file("it is no export: it nests too deep");
  const json document = try_parse_json(text);
  if (!document.is_object() || !document.value("records", json()).is_array()) {
    return unreadable_file("it is no export of `salvor evidence export`");
  }
  Bytes key = to_bytes(public_key);
  if (key.empty()) {
    const json own = document.value("public_key", json());
    auto parsed = codec::read_public_key_pem(own.is_string() ? own.get<std::string>() : "");
    if (!parsed) return unreadable_file("it has no public key");
    key = std::move(*parsed);
  }
  EvidenceReport report = ExportedFile(document, key).verify();
  report.key_was_given = !public_key.empty();
  return report;
}

}  // namespace salvor::evidence
