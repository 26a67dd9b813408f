#include <fmt/format.h>

#include <set>

#include "base/json.h"
#include "recovery/evidence.h"
#include "recovery/internal/envelope.h"
#include "recovery/internal/statement.h"

namespace salvor::recovery {
namespace {

using internal::sha256_hex;
using nlohmann::json;

/// A head that something outside of the chain remembers.
struct KnownHead {
  EvidenceHead head;
  std::string source;  ///< "recovery point …"
};

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

  /// The next record can't be read.
  void add_unreadable(const std::string& why) {
    ++report_.records;
    digest_.clear();
    problem(report_.records, why);
  }

  void problem(std::uint64_t record, std::string what) {
    report_.problems.push_back({record, std::move(what)});
  }

  EvidenceReport finish() {
    for (const KnownHead& known : known_) {
      if (known.head.sequence <= report_.records) continue;
      problem(0, fmt::format("the end is cut off: found {} records, but {} knows {}",
                             report_.records, known.source, known.head.sequence));
    }
    return std::move(report_);
  }

  const std::string& digest() const { return digest_; }
  EvidenceReport& report() { return report_; }

 private:
  void compare_known() {
    for (const KnownHead& known : known_) {
      if (known.head.sequence != report_.records || known.head.digest.empty()) continue;
      if (known.head.digest != digest_) {
        problem(report_.records, fmt::format("it is not the record that {} knows", known.source));
      }
    }
  }

  void check(const json& statement, const std::string& before) {
    if (statement.value("_type", json()) != internal::kStatementType ||
        statement.value("predicateType", json()) != internal::kRecordType) {
      problem(report_.records, "it is signed, but it is no record of evidence");
      return;
    }
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
      const json repository = predicate.value("repository", json());
      if (repository.is_string()) report_.repository = repository.get<std::string>();
    }
    expect("repository", report_.repository);
  }

  ByteView public_key_;
  std::vector<KnownHead> known_;
  EvidenceReport report_;
  std::string digest_;  ///< of the record before; empty: there is none, or it can't be read
};

std::vector<KnownHead> heads_in_points(const repo::Repository& repository,
                                       const std::string& service) {
  std::vector<KnownHead> heads;
  for (const repo::Point& point : repository.points()) {
    const auto fact = point.facts.find(std::string(kEvidenceHeadFact));
    if (point.service != service || fact == point.facts.end()) continue;
    if (auto head = parse_head(fact->second)) {
      heads.push_back({std::move(*head), "recovery point " + point.id.hex()});
    }
  }
  return heads;
}

/// An exported document, while it is verified.
class ExportedFile {
 public:
  ExportedFile(const json& document, ByteView public_key)
      : document_(document), public_key_(public_key), reader_(text_of("service"), public_key, {}) {}

  EvidenceReport verify() {
    static const std::set<std::string> kMembers = {"salvor_evidence", "service", "public_key",
                                                   "exported",        "records", "head"};
    for (const auto& [name, value] : document_.items()) {
      if (!kMembers.contains(name)) whole(fmt::format("\"{}\" is not signed", printable(name)));
    }
    if (document_.value("salvor_evidence", json()) != 1) whole("it is of another version");
    if (text_of("public_key") != codec::write_public_key_pem(public_key_)) {
      whole("the public key in it is not the one that it is verified with");
    }
    for (const json& record : document_.value("records", json::array())) {
      reader_.add(write_json(record));
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
    if (report.records != 0) compare("repository", report.repository);
  }

  const json& document_;
  ByteView public_key_;
  ChainReader reader_;
};

EvidenceReport unreadable_file(const std::string& why) {
  EvidenceReport report;
  report.problems.push_back({0, why});
  return report;
}

}  // namespace

EvidenceReport verify_evidence(repo::Repository& repository, const std::string& service,
                               std::uint64_t sequence_seen) {
  const codec::SigningKey key = evidence_key(repository);
  std::vector<KnownHead> known = heads_in_points(repository, service);
  known.push_back({{sequence_seen, ""}, "this machine"});
  ChainReader reader(service, key.public_key(), std::move(known));
  reader.report().repository = repository.id().hex();
  read_evidence(repository, service, [&](const StoredEvidence& stored) {
    if (!stored.problem.empty()) {
      reader.add_unreadable(stored.problem);
      return;
    }
    const json envelope = try_parse_json(stored.envelope);
    if (envelope.is_discarded() || write_json(envelope) != stored.envelope) {
      reader.add_unreadable(stored.object + " is not canonical JSON");
    } else {
      reader.add(stored.envelope);
    }
  });
  return reader.finish();
}

std::string export_evidence(repo::Repository& repository, const std::string& service, Time now) {
  const codec::SigningKey key = evidence_key(repository);
  EvidenceHead head;
  nlohmann::ordered_json records = nlohmann::ordered_json::array();
  read_evidence(repository, service, [&](const StoredEvidence& stored) {
    if (!stored.problem.empty()) {
      throw Error(ErrorCode::corruption, stored.problem,
                  "`salvor evidence verify` shows all that is wrong");
    }
    head = {stored.number, sha256_hex(stored.envelope)};
    records.push_back(parse_json<nlohmann::ordered_json>(stored.envelope));
  });
  const std::string statement = internal::head_statement(repository, service, head, now);
  nlohmann::ordered_json document = {
      {"salvor_evidence", 1},
      {"service", printable(service)},
      {"public_key", codec::write_public_key_pem(key.public_key())},
      {"exported", format_time(now)},
      {"records", std::move(records)},
      {"head", parse_json<nlohmann::ordered_json>(internal::seal_envelope(statement, key))}};
  return write_json(document, 1) + "\n";
}

EvidenceReport verify_evidence_file(std::string_view text, ByteView public_key) {
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

}  // namespace salvor::recovery
