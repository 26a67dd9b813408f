#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "checks/checks.h"
#include "codec/signature.h"
#include "repo/repository.h"

/// Evidence: the signed, chained record of every run (docs/evidence.md). Each service has a chain,
/// and the repository one of its own, whose service is "". A record holds the digest of the one
/// before it. Points and this machine's catalog remember how far a chain had come: `sequence_seen`
/// is what the catalog knows (0: nothing), so that a chain whose end was cut off is found out.
///     append(repository, record, seen);         // at the end of every run
///     verify_chain(repository, service, seen);        // by whoever has the repository's key
///     const std::string file = export_chain(repository, service, now);
///     verify_export(file, public_key);            // by whoever has the public key
namespace salvor::evidence {

/// One step of a run, and how it went. A value.
struct EvidencePhase {
  std::string step;
  std::optional<double> seconds;
  std::string result;
};

/// A record that is lost, as a record of kind `lost` names it. A value.
struct LostEvidence {
  std::uint64_t record = 0;
  std::string digest;  ///< SHA-256 of its envelope, hexadecimal; empty: nobody knows it
  bool operator==(const LostEvidence&) const = default;
};

/// What one run leaves behind. What is not known stays empty, and is then left out of the record:
/// nothing is invented. A value.
/// Units: seconds, as named.
struct EvidenceRecord {
  std::string kind;     ///< backup, verify, drill, restore, lost, accept
  std::string run;      ///< the run's id
  std::string service;  ///< empty: of the whole repository
  std::string host;
  std::string version;  ///< of salvor
  std::string trigger;
  Time started;
  Time ended;
  std::string result;  ///< succeeded, failed, cancelled, …
  /// The subject of the record. Without a point the whole repository is.
  std::optional<repo::Point> point;
  std::string policy_sha256;  ///< of the service's configuration (docs/evidence.md)
  std::optional<std::int64_t> rpo_objective_s;
  std::optional<std::int64_t> rto_objective_s;
  std::optional<double> rpo_measured_s;
  std::optional<double> rto_measured_s;
  std::vector<EvidencePhase> phases;
  std::vector<checks::CheckOutcome> checks;
  std::vector<std::string> deviations;   ///< what was not as planned
  std::vector<std::string> warnings;     ///< what salvor warned of meanwhile
  std::vector<std::string> not_covered;  ///< what this run says nothing about
  std::vector<LostEvidence> lost;        ///< of kind `lost`: which earlier records are lost
  std::string started_by;
  std::string confirmed_by;
  /// Who started and who approved the run, as its caller said, and the user that said so: salvor
  /// knows no more of it. Empty: nobody said it.
  std::string told_started_by;
  std::string told_approved_by;
  std::optional<std::uint32_t> told_by_uid;
};

/// The newest record of a chain. A value.
struct EvidenceHead {
  std::uint64_t sequence = 0;  ///< 0: there is no record
  std::string digest;          ///< SHA-256 of the envelope's bytes, hexadecimal; empty for none
  bool operator==(const EvidenceHead&) const = default;
};

/// The fact of a recovery point (docs/format.md, section 8) that names the head of its service's
/// chain as it was when the point was taken. The log is then a witness: it tells when the chain's
/// end was cut off.
inline constexpr std::string_view kEvidenceHeadFact = "evidence_head";
/// The text of that fact, "SEQUENCE:DIGEST", and the reverse; empty for any other text.
std::string to_fact(const EvidenceHead& head);
std::optional<EvidenceHead> parse_head(std::string_view fact);

/// The head of a service's chain. Where its last record is lost, or can't be read now, the digest
/// is the one that a recovery point knows; empty where none does.
/// Errors: unreachable.
EvidenceHead head_of(repo::Repository& repository, const std::string& service);

/// Signs a record and appends it to the chain of its service, durably. Returns the new head. When
/// other writers append meanwhile, it takes the next number. A chain that is shorter than the
/// points or `sequence_seen` know it is written to nevertheless, and the record says so among its
/// deviations.
/// Errors: unreachable: the record may be written or not; or, when it is also unwritable(), the
///         medium does not give the last record of the chain now, and nothing was written:
///         is_chain_unreadable(); no_space; failed.
EvidenceHead append(repo::Repository& repository, const EvidenceRecord& record,
                    std::uint64_t sequence_seen = 0);

/// Whether append() or append_waiting() has refused to go on with one chain, since the
/// medium does not give a record of it now. Other chains may be written to.
bool is_chain_unreadable(const Error& error);

/// Signs a record that can't be appended, because the repository can't be written to. It has no
/// place in the chain yet, but nobody can change what it says while it waits in the catalog.
/// append_waiting() brings it into the chain later.
std::string seal_waiting(repo::Repository& repository, const EvidenceRecord& record);

/// A record of seal_waiting() that waits. A value.
struct WaitingRecord {
  std::string service;
  std::string envelope;
  std::string reason;  ///< why it could not be appended
  /// The newest record that its chain had then; append_waiting() looks for the record behind it.
  std::uint64_t after = 0;
};

/// Appends a record that has waited, durably, with a deviation that says since when and why. A
/// process that was killed may have appended it already. So it is first looked for in the chain, by
/// run, kind and end (a run may leave several records of a kind: a restore, and its undo); when it
/// is there, nothing is written.
/// Errors: as append(); so it ends, too, where one of the records that it looks among
///         can't be read now; corruption: it is not signed with the repository's key.
EvidenceHead append_waiting(repo::Repository& repository, const WaitingRecord& record,
                            std::uint64_t sequence_seen = 0);

/// One record as it is stored. A value.
struct StoredEvidence {
  std::uint64_t number = 0;
  std::string object;    ///< its name in the repository
  std::string envelope;  ///< the exact bytes
  std::string problem;   ///< why there is no envelope: missing, damaged, or set aside by a repair
  /// The object is there, and the medium does not give its bytes now, or it is of a newer key than
  /// this process has: it is not lost.
  bool may_come_back = false;
};

/// Visits all records in order from 1 on. A record that is missing or damaged is visited, too, with
/// its problem. No signature is verified.
/// Errors: unreachable.
using VisitEvidence = std::function<void(const StoredEvidence&)>;
void read_chain(repo::Repository& repository, const std::string& service,
                const VisitEvidence& visit);

/// The envelope of one record; empty when the chain has no such number.
/// Errors: corruption: the record is damaged or missing, or a repair has set it aside; unreachable.
std::optional<std::string> find_envelope(repo::Repository& repository, const std::string& service,
                                         std::uint64_t number);

/// The services that have records, as the records say. A service whose records are all damaged is
/// not among them.
/// Errors: unreachable.
std::vector<std::string> services_in(repo::Repository& repository);

/// What a record says, for lists. It is text from the record: nobody has checked it. A value.
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
  /// It has waited: records before it may be of later runs.
  bool was_late = false;
  std::string statement;  ///< all of it, as indented JSON
};

/// Reads an envelope without verifying its signature.
/// Errors: corruption: it is no envelope of a record.
EvidenceSummary summarise(std::string_view envelope);

/// The same for a record that waits, whose signature is verified.
/// Errors: corruption: it is not signed with the repository's key.
EvidenceSummary summarise_waiting(repo::Repository& repository, std::string_view envelope);

/// The key that signs. It follows from the repository's key: whoever holds that one can sign, and
/// nobody else.
codec::SigningKey signing_key(repo::Repository& repository);

/// Names a public key: its SHA-256 in hexadecimal digits, which an auditor compares.
std::string key_id_of(ByteView public_key);

/// Something that is wrong with a chain. A value.
struct EvidenceProblem {
  std::uint64_t record = 0;  ///< 0: of the whole
  std::string what;
  bool is_gap = false;  ///< the record is lost, and no signed record says so
};

/// A record that is lost. A value.
struct EvidenceGap {
  std::uint64_t record = 0;
  std::string digest = {};  ///< of its envelope, hexadecimal; empty: not known
  /// The signed record that names the loss. 0: none does, and the gap is a problem.
  std::uint64_t named_by = 0;
  std::string since = {};    ///< when that record was written
  bool is_readable = false;  ///< another record has this number now
  /// The medium does not give its bytes now: nobody can say that it is lost.
  bool may_come_back = false;
};

/// What a verification found. A value.
struct EvidenceReport {
  std::string service;
  std::uint64_t records = 0;
  std::string key_id;
  std::string repository;  ///< its id; empty: no record says it
  std::string exported;    ///< of a file: when it was exported; empty: not known
  /// False: the file was verified with the key that it brings itself, so it proves only that it
  /// fits together.
  bool key_was_given = true;
  std::vector<EvidenceProblem> problems;
  std::vector<EvidenceGap> gaps;  ///< in order of records

  /// Whether nothing is wrong. A gap that a signed record names is no problem.
  bool sound() const { return problems.empty(); }
  /// Whether nothing is wrong but gaps that no record names; repair_chain() can then mend it.
  bool is_sound_but_for_gaps() const;
};

/// Verifies the chain of a service as the repository has it: every signature, that each record
/// holds the digest of the one before, and that the chain is not shorter than the recovery points
/// and `sequence_seen` know it. A record that is lost is a problem, unless a later one names it.
/// Errors: unreachable. What is wrong with the chain is in the report.
EvidenceReport verify_chain(repo::Repository& repository, const std::string& service,
                            std::uint64_t sequence_seen);

/// Makes a chain that has lost records verify again. It signs a record of kind `lost` that names
/// those that no record names yet, appends it, and then sets aside what is left of the lost ones.
/// No record is rewritten. Killed at any instant, it can be done again; where nothing is lost it
/// does nothing. A record that the medium does not give now is not named, and left as it is; where
/// it is the last one, nothing is named.
/// Shape:  `record`: who repairs, when and where; its kind, result and `lost` are filled in here.
///         Returns what was done, a line each.
/// Errors: unreachable; no_space; conflict (retryable), when the chain changes meanwhile; failed.
std::vector<std::string> repair_chain(repo::Repository& repository, EvidenceRecord record,
                                      std::uint64_t sequence_seen);

/// What an export does about gaps that no signed record names.
enum class Gaps { refuse, export_them };

/// All records of a service with the public key and a signed head, as one JSON document, which
/// anybody can verify without the repository. Where a record is lost there is null, and the head
/// has its number, so that nobody can cut records out of the file unseen.
/// Errors: corruption: there are gaps that no record names, a lost end among them, and `gaps`
///         refuses them; unreachable, also where the medium does not give a record now that no
///         signed one names.
std::string export_chain(repo::Repository& repository, const std::string& service, Time now,
                         Gaps gaps = Gaps::refuse, std::uint64_t sequence_seen = 0);

/// Verifies an exported document, with nothing else. Without a key it takes the one in the
/// document: then it shows only that the document fits together.
/// Shape:  `public_key`: raw bytes, or empty.
/// Errors: none: what is wrong is in the report.
EvidenceReport verify_export(std::string_view text, ByteView public_key);

}  // namespace salvor::evidence
