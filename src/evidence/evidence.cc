#include "evidence/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/counted.h"
#include "base/json.h"
#include "codec/hash.h"
#include "evidence/internal/envelope.h"
#include "evidence/internal/evidence_chain.h"
#include "evidence/internal/statement.h"
#include "evidence/statement_parts.h"
#include "repo/records.h"

namespace salvor::evidence {
namespace {

using internal::evidence_chain;
using internal::sha256_hex;
using nlohmann::json;

constexpr std::string_view kPurpose = "evidence 1";

struct OldHead {
  EvidenceHead head;
  bool is_lost = false;
  std::string unreadable = {};  ///< why its bytes, which are there, can't be had now; else empty
};

OldHead head_of(repo::Repository& repository, repo::Chain& chain, const std::string& service) {
  OldHead old{{chain.last(), ""}};
  if (old.head.sequence == 0) return old;
  const StoredEvidence last = internal::read_record(chain, old.head.sequence);
  if (last.may_come_back) old.unreadable = last.problem;
  old.is_lost = !last.problem.empty() && !last.may_come_back;
  old.head.digest = last.problem.empty()
                        ? sha256_hex(last.envelope)
                        : internal::known_digest(repository, service, old.head.sequence);
  return old;
}

/// What the chain lacks, as a deviation for the record that goes on nevertheless.
std::vector<std::string> deviations_of(repo::Repository& repository, const std::string& service,
                                       const OldHead& old, std::uint64_t sequence_seen) {
  const EvidenceHead& head = old.head;
  for (const internal::KnownHead& known : internal::heads_in_points(repository, service)) {
    sequence_seen = std::max(sequence_seen, known.head.sequence);
  }
  std::vector<std::string> deviations;
  if (head.sequence < sequence_seen) {
    deviations.push_back(
        fmt::format("the end of the evidence is lost: found {}, though there were {}",
                    counted(head.sequence, "record"), sequence_seen));
  }
  if (old.is_lost) {
    deviations.push_back(fmt::format("evidence record {} is damaged{}", head.sequence,
                                     head.digest.empty() ? ": its digest is not known" : ""));
  }
  return deviations;
}

/// Makes the record wait, as where the repository can't be written to.
[[noreturn]] void throw_unreadable(const std::string& service, const std::string& why) {
  throw Error(ErrorCode::unreachable,
              fmt::format("the evidence of {} can't be continued: {}",
                          service.empty() ? "the repository" : printable(service), why),
              std::string(internal::kUnreadableHint))
      .as_unwritable();
}

/// The next record needs the digest of the last one. Without it, it would say for ever that the
/// last one is lost.
void require_readable(const OldHead& old, const std::string& service) {
  if (!old.unreadable.empty()) throw_unreadable(service, old.unreadable);
}

constexpr std::string_view kLateBegin = "written at ";
constexpr std::string_view kLateReason =
    " only, as the repository could not be written to before: ";

/// The deviation that says when and why a record was written late.
std::string deviation_of(const WaitingRecord& record, Time now) {
  constexpr std::size_t kReasonBytesMax = 500;
  return fmt::format("{}{}{}{}", kLateBegin, format_time(now), kLateReason,
                     printable(record.reason.substr(0, kReasonBytesMax)));
}

/// Whether the record says that it was written late.
bool was_late(const json& predicate) {
  const auto list = predicate.find("deviations");
  if (list == predicate.end() || !list->is_array()) return false;
  return std::ranges::any_of(*list, [](const json& line) {
    if (!line.is_string()) return false;
    const auto& text = line.get_ref<const std::string&>();
    return text.starts_with(kLateBegin) && text.find(kLateReason) != std::string::npos;
  });
}

/// Puts lines in front of the deviations.
void add_deviations(json& predicate, const std::vector<std::string>& lines) {
  json all = lines;
  if (predicate.contains("deviations")) {
    for (json& line : predicate["deviations"]) all.push_back(std::move(line));
  }
  predicate["deviations"] = std::move(all);
}

/// The numbers that a record of kind `lost` names.
std::vector<std::uint64_t> lost_in(const json& predicate) {
  std::vector<std::uint64_t> numbers;
  const auto list = predicate.find("lost");
  if (list == predicate.end() || !list->is_array()) return numbers;
  for (const json& item : *list) {
    const auto number = item.is_object() ? item.find("record") : item.end();
    if (item.is_object() && number != item.end() && number->is_number_unsigned()) {
      numbers.push_back(number->get<std::uint64_t>());
    }
  }
  return numbers;
}

}  // namespace

std::string to_fact(const EvidenceHead& head) {
  return fmt::format("{}:{}", head.sequence, head.digest);
}

std::optional<EvidenceHead> parse_head(std::string_view fact) {
  EvidenceHead head;
  const auto [end, error] = std::from_chars(fact.data(), fact.data() + fact.size(), head.sequence);
  const auto at = static_cast<std::size_t>(end - fact.data());
  if (error != std::errc() || at == fact.size() || fact[at] != ':') return std::nullopt;
  head.digest = fact.substr(at + 1);
  return head;
}

repo::Chain internal::evidence_chain(repo::Repository& repository, std::string_view service) {
  return {repository, repo::ChainKind::evidence, service};
}

std::vector<internal::KnownHead> internal::heads_in_points(const repo::Repository& repository,
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

StoredEvidence internal::read_record(repo::Chain& chain, std::uint64_t number) {
  StoredEvidence stored;
  stored.number = number;
  stored.object = chain.object_name(number);
  const repo::RecordRead read = chain.try_read(number);
  stored.envelope = as_text(read.content);
  stored.problem = read.why;
  stored.may_come_back = read.state == repo::RecordState::not_now;
  if (read.state == repo::RecordState::readable && read.content.empty()) {
    stored.problem = stored.object + " was lost, and a repair has set aside what was left";
  }
  return stored;
}

bool internal::append_record(repo::Chain& chain, std::uint64_t number,
                             const std::string& envelope) {
  try {
    return chain.append(number, as_bytes(envelope));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corruption) throw;
    return false;
  }
}

std::string internal::known_digest(const repo::Repository& repository, const std::string& service,
                                   std::uint64_t number) {
  for (const KnownHead& known : heads_in_points(repository, service)) {
    if (known.head.sequence == number && !known.head.digest.empty()) return known.head.digest;
  }
  return {};
}

codec::SigningKey signing_key(repo::Repository& repository) {
  return codec::SigningKey(repo::derive_secret(repository, kPurpose).view());
}

std::string key_id_of(ByteView public_key) {
  return to_hex(codec::sha256(public_key));
}

EvidenceHead head_of(repo::Repository& repository, const std::string& service) {
  repo::Chain chain = evidence_chain(repository, service);
  return head_of(repository, chain, service).head;
}

bool is_chain_unreadable(const Error& error) {
  return error.code() == ErrorCode::unreachable && error.unwritable();
}

EvidenceHead append(repo::Repository& repository, const EvidenceRecord& record,
                    std::uint64_t sequence_seen) {
  const codec::SigningKey key = signing_key(repository);
  repo::Chain chain = evidence_chain(repository, record.service);
  for (;;) {
    const OldHead old = head_of(repository, chain, record.service);
    require_readable(old, record.service);
    EvidenceRecord complete = record;
    for (std::string& each : deviations_of(repository, record.service, old, sequence_seen)) {
      complete.deviations.insert(complete.deviations.begin(), std::move(each));
    }
    const std::uint64_t number = old.head.sequence + 1;
    const std::string envelope = internal::seal_envelope(
        internal::statement_of(repository, complete, {number, old.head.digest}), key);
    if (internal::append_record(chain, number, envelope)) return {number, sha256_hex(envelope)};
  }
}

std::string seal_waiting(repo::Repository& repository, const EvidenceRecord& record) {
  return internal::seal_envelope(internal::statement_of(repository, record, {0, ""}),
                                 signing_key(repository));
}

EvidenceSummary summarise_waiting(repo::Repository& repository, std::string_view envelope) {
  internal::open_envelope(envelope, signing_key(repository).public_key());
  return summarise(envelope);
}

namespace {

/// Looks among the records from `first` to `last` for one of the same run, kind and end.
/// Errors: unreachable: the medium does not give one of them now, and it may be that one.
std::optional<EvidenceHead> find_same(repo::Chain& chain, const EvidenceSummary& wanted,
                                      std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t number = first; number <= last; ++number) {
    const StoredEvidence stored = internal::read_record(chain, number);
    if (stored.may_come_back) throw_unreadable(wanted.service, stored.problem);
    if (!stored.problem.empty()) continue;
    try {
      const EvidenceSummary found = summarise(stored.envelope);
      const bool same =
          found.run == wanted.run && found.kind == wanted.kind && found.ended == wanted.ended;
      if (same) return EvidenceHead{number, sha256_hex(stored.envelope)};
    } catch (const Error& error) {
      if (error.code() != ErrorCode::corruption) throw;
    }
  }
  return std::nullopt;
}

}  // namespace

EvidenceHead append_waiting(repo::Repository& repository, const WaitingRecord& record,
                            std::uint64_t sequence_seen) {
  const codec::SigningKey key = signing_key(repository);
  const json statement = parse_json(internal::open_envelope(record.envelope, key.public_key()));
  const EvidenceSummary wanted = summarise(record.envelope);
  repo::Chain chain = evidence_chain(repository, record.service);
  std::uint64_t looked_at = record.after;
  for (;;) {
    const OldHead old = head_of(repository, chain, record.service);
    require_readable(old, record.service);
    const EvidenceHead& head = old.head;
    if (auto same = find_same(chain, wanted, looked_at + 1, head.sequence)) return *same;
    looked_at = head.sequence;
    json complete = statement;
    json& predicate = complete["predicate"];
    predicate["sequence"] = head.sequence + 1;
    predicate["previous"] = head.digest;
    std::vector<std::string> lines = deviations_of(repository, record.service, old, sequence_seen);
    lines.push_back(deviation_of(record, Clock::system().now()));
    add_deviations(predicate, lines);
    const std::string envelope = internal::seal_envelope(write_json(complete), key);
    if (internal::append_record(chain, head.sequence + 1, envelope)) {
      return {head.sequence + 1, sha256_hex(envelope)};
    }
  }
}

void read_chain(repo::Repository& repository, const std::string& service,
                const VisitEvidence& visit) {
  repo::Chain chain = evidence_chain(repository, service);
  const std::uint64_t last = chain.last();
  for (std::uint64_t number = 1; number <= last; ++number) {
    visit(internal::read_record(chain, number));
  }
}

std::optional<std::string> find_envelope(repo::Repository& repository, const std::string& service,
                                         std::uint64_t number) {
  repo::Chain chain = evidence_chain(repository, service);
  StoredEvidence stored = internal::read_record(chain, number);
  if (stored.problem.empty()) return std::move(stored.envelope);
  if (number > chain.last()) return std::nullopt;
  throw Error(ErrorCode::corruption, stored.problem,
              stored.may_come_back ? std::string(internal::kUnreadableHint)
                                   : "`salvor verify --repair` says in the evidence what is lost");
}

std::vector<std::string> services_in(repo::Repository& repository) {
  std::vector<std::string> services;
  for (const std::string& id : repo::list_chains(repository, repo::ChainKind::evidence)) {
    repo::Chain chain = repo::Chain::of_id(repository, repo::ChainKind::evidence, id);
    const std::uint64_t last = chain.last();
    for (std::uint64_t number = 1; number <= last; ++number) {
      try {
        const auto record = chain.read(number);
        if (!record) continue;
        services.push_back(summarise(as_text(*record)).service);
        break;
      } catch (const Error& error) {
        if (error.code() != ErrorCode::corruption) throw;
      }
    }
  }
  return services;
}

EvidenceSummary summarise(std::string_view envelope) {
  const json statement = parse_json(internal::read_envelope(envelope));
  EvidenceSummary summary;
  summary.statement = write_json(statement, 2);
  const auto predicate = statement.find("predicate");
  if (predicate == statement.end() || !predicate->is_object()) {
    throw Error(ErrorCode::corruption, "the record has no predicate");
  }
  const auto sequence = predicate->find("sequence");
  if (sequence != predicate->end() && sequence->is_number_unsigned()) {
    summary.sequence = sequence->get<std::uint64_t>();
  }
  summary.service = string_in(*predicate, "service");
  summary.kind = string_in(*predicate, "kind");
  summary.run = string_in(*predicate, "run");
  summary.result = string_in(*predicate, "result");
  summary.started = string_in(*predicate, "started");
  summary.ended = string_in(*predicate, "ended");
  summary.lost = lost_in(*predicate);
  summary.was_late = was_late(*predicate);
  summary.point = string_in(part_in(*predicate, "point"), "id");
  return summary;
}

}  // namespace salvor::evidence
