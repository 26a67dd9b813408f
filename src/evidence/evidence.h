#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "checks/checks.h"
#include "codec/signature.h"
#include "repo/repository.h"

/// Evidence: the signed, chained record of every run (docs/evidence.md).
namespace salvor::evidence {

struct EvidencePhase {
  std::string step;
  std::optional<double> seconds;
  std::string result;
};

/// A record that is lost, as a record of kind `lost` names it.
struct LostEvidence {
  std::uint64_t record = 0;
  std::string digest;  ///< SHA-256 of its envelope, hexadecimal; empty: nobody knows it
  bool operator==(const LostEvidence&) const = default;
};

/// What one run leaves behind. A value. What is not known stays empty, and is then left out of the
/// record: nothing is invented.   Units: seconds, as named.
struct EvidenceRecord {
  std::string kind;     ///< backup, verify, drill, restore, lost, accept
  std::string run;      ///< the run's id
  std::string service;  ///< empty: of the whole repository
  std::string host;
  std::string version;  ///< of salvor
  std::string trigger;
  Time started;
  Time ended;
  std::string result;                ///< succeeded, failed, cancelled, …
  std::optional<repo::Point> point;  ///< the subject; without it the repository is
  std::string policy_sha256;         ///< of the service's configuration, see docs/evidence.md
  std::optional<std::int64_t> rpo_objective_s;
  std::optional<std::int64_t> rto_objective_s;
  std::optional<double> rpo_measured_s;
  std::optional<double> rto_measured_s;
  std::vector<EvidencePhase> phases;
  std::vector<checks::CheckOutcome> checks;
  std::vector<std::string> deviations;   ///< what was not as planned
  std::vector<std::string> not_covered;  ///< what this run says nothing about
  std::vector<LostEvidence> lost;        ///< of kind `lost`: which earlier records are lost
  std::string started_by;
  std::string confirmed_by;
};

/// The newest record of a chain. A value.
struct EvidenceHead {
  std::uint64_t sequence = 0;  ///< 0: there is no record
  std::string digest;          ///< SHA-256 of the envelope's bytes, hexadecimal; empty for none
  bool operator==(const EvidenceHead&) const = default;
};

/// The fact of a recovery point (docs/format.md, section 8) that names the head as it was when the
/// point was taken: the log then tells when the chain's end was cut off.
inline constexpr std::string_view kEvidenceHeadFact = "evidence_head";
std::string to_fact(const EvidenceHead& head);
std::optional<EvidenceHead> parse_head(std::string_view fact);

/// The head of a service's chain. Where its last record is lost, the digest is what a recovery
/// point knows it as; empty: none does.
EvidenceHead evidence_head(repo::Repository& repository, const std::string& service);

/// Signs the record, and appends it to the chain of its service, durably. A chain that is shorter
/// than the points, or the caller (`sequence_seen`), know it, is written to nevertheless, and the
/// record says so.
/// Errors: unreachable: it may be written or not; no_space; failed.
EvidenceHead append_evidence(repo::Repository& repository, const EvidenceRecord& record,
                             std::uint64_t sequence_seen = 0);

/// A record that can't be appended, as the repository can't be written to: signed, but without a
/// place in the chain yet, so that nobody changes what it says while it waits.
std::string seal_waiting(repo::Repository& repository, const EvidenceRecord& record);

/// A record of seal_waiting() that waits.
struct WaitingRecord {
  std::string service;
  std::string envelope;
  std::string reason;       ///< why it could not be appended
  std::uint64_t after = 0;  ///< the newest record of its chain then: it is looked for behind that
};

/// Appends it, durably, with a deviation that says since when it has waited, and why. Where it is
/// in the chain already, as this machine was stopped before it could forget it, nothing is written:
/// it is known by run, kind and end (a run may leave several records of a kind: a restore, and its
/// undo).
/// Errors: as append_evidence(); corruption: it is not signed with the repository's key.
EvidenceHead append_waiting(repo::Repository& repository, const WaitingRecord& record,
                            std::uint64_t sequence_seen = 0);

/// One record as it is stored.
struct StoredEvidence {
  std::uint64_t number = 0;
  std::string object;    ///< its name in the repository
  std::string envelope;  ///< the exact bytes
  std::string problem;   ///< why there is no envelope: missing, damaged, or set aside by a repair
};

/// In order from 1 on; a record that is missing or damaged is visited with its problem.
/// Errors: unreachable.
using VisitEvidence = std::function<void(const StoredEvidence&)>;
void read_evidence(repo::Repository& repository, const std::string& service,
                   const VisitEvidence& visit);

/// The envelope of one record; empty when there is none.   Errors: corruption: also where a repair
/// has set it aside.
std::optional<std::string> read_evidence(repo::Repository& repository, const std::string& service,
                                         std::uint64_t number);

/// The services that there are records of, as the records say; one whose records are all damaged is
/// not among them.   Errors: unreachable.
std::vector<std::string> evidence_services(repo::Repository& repository);

/// What a record says, for lists.
struct EvidenceSummary {
  std::uint64_t sequence = 0;
  std::string service;
  std::string kind;
  std::string run;
  std::string result;
  std::string started;
  std::string ended;
  std::string point;                ///< empty: of the repository
  std::vector<std::uint64_t> lost;  ///< the earlier records that it says are lost
  std::string statement;            ///< all of it, as indented JSON
};

/// Reads an envelope without verifying it.   Errors: corruption: it is none.
EvidenceSummary summarise_evidence(std::string_view envelope);

/// The same of a record that waits, with its signature verified.
/// Errors: corruption: it is not signed with the repository's key.
EvidenceSummary summarise_waiting(repo::Repository& repository, std::string_view envelope);

/// The key that signs; who holds the repository's key can derive it.
codec::SigningKey evidence_key(repo::Repository& repository);

/// SHA-256 of a public key, hexadecimal: what an auditor compares.
std::string key_id_of(ByteView public_key);

struct EvidenceProblem {
  std::uint64_t record = 0;  ///< 0: of the whole
  std::string what;
  bool is_gap = false;  ///< the record is lost, and no signed record says so
};

/// A record that is lost. A value.
struct EvidenceGap {
  std::uint64_t record = 0;
  std::string digest = {};     ///< what its envelope had, hexadecimal; empty: not known
  std::uint64_t named_by = 0;  ///< the signed record that says so; 0: none does, which is a problem
  std::string since = {};      ///< when that was written
  bool is_readable = false;    ///< another record has this number now
};

/// What a verification found. A value.
struct EvidenceReport {
  std::string service;
  std::uint64_t records = 0;
  std::string key_id;
  std::string repository;     ///< its id; empty: no record says it
  std::string exported;       ///< of a file: when; empty: not known
  bool key_was_given = true;  ///< false: the key is the one that the file brings itself
  std::vector<EvidenceProblem> problems;
  std::vector<EvidenceGap> gaps;  ///< in order of records

  /// A gap that a signed record names is no problem.
  bool sound() const { return problems.empty(); }
  /// Whether nothing is wrong but gaps.
  bool is_sound_but_for_gaps() const;
};

/// Verifies the chain of a service as the repository has it: every signature, that each record
/// holds the digest of the one before, and that the chain is not shorter than the recovery points
/// and `sequence_seen` know it. A record that is lost is a problem, unless a later one names it.
/// Errors: unreachable.
EvidenceReport verify_evidence(repo::Repository& repository, const std::string& service,
                               std::uint64_t sequence_seen);

/// Makes a chain verify again that has lost records: signs a record that names those that no record
/// names yet, appends it, then sets aside what is left of the lost ones. Rewrites none. Killed
/// anywhere, it can be done again; where nothing is lost it does nothing.
/// Shape:  record: who repairs, when and where; its kind, result and `lost` are filled in here.
///         What was done, a line each.
/// Errors: unreachable; no_space; failed.
std::vector<std::string> repair_evidence(repo::Repository& repository, EvidenceRecord record,
                                         std::uint64_t sequence_seen);

/// What becomes of a chain that has gaps which no signed record names.
enum class Gaps { refuse, export_them };

/// All records of a service with the public key and a signed head, as one JSON document; null in
/// the place of one that is lost, whose number the head has. `sequence_seen`: see
/// verify_evidence(). Errors: corruption: gaps that are refused, a lost end too; unreachable.
std::string export_evidence(repo::Repository& repository, const std::string& service, Time now,
                            Gaps gaps = Gaps::refuse, std::uint64_t sequence_seen = 0);

/// Verifies such a document, with nothing else. Without a key, with the one in the document: then
/// only that it fits together is shown.
/// Shape: public_key: raw, or empty.   Errors: none: what is wrong is in the report.
EvidenceReport verify_evidence_file(std::string_view text, ByteView public_key);

}  // namespace salvor::evidence
