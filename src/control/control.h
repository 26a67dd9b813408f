#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/backup.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "evidence/evidence.h"
#include "recovery/execute.h"
#include "recovery/restore.h"
#include "recovery/space.h"
#include "repo/check.h"

/// Every verb once: a typed request in, a typed report out. cli and daemon only translate.
namespace salvor::control {

/// Progress of the phase under way; `phase` is "backup", "restore", "verify".
struct PhaseProgress {
  std::string phase;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_expected = 0;  ///< 0: not known
  std::uint64_t entries = 0;
  std::uint64_t entries_expected = 0;
};

/// What a verb needs from whoever calls it. Threads: progress is called by a thread of the verb's.
struct Caller {
  std::function<void(const PhaseProgress&)> progress;  ///< about 5 times a second; may be empty
  std::function<void(const std::string& line)> say;  ///< what happens, as it happens; may be empty
  std::stop_token stop;
  std::string trigger = "command";
};

/// The version of this program, and of the repository format that it writes.
std::string_view version();
std::uint32_t format_version();

struct InitReport {
  std::string repository;
  std::string location;
  std::vector<repo::SlotInfo> slots;
  std::string new_key_file;  ///< the configured key file, when it was missing and was made here
};
/// Creates the repository, with a slot for each of the configured passphrase and key file.
/// Errors: conflict, where a repository is already; configuration.
InitReport init(const config::Config& config, const Caller& caller);

struct StoreReachability {
  std::string service;
  std::string store;
  std::string type;
  std::string path;
  std::string problem;  ///< empty: it can be read
};
struct ConfigCheckReport {
  std::string file;
  std::string location;
  std::string host;                ///< whose recovery points backups are
  std::vector<std::string> notes;  ///< what should be known, and is no problem
  std::vector<StoreReachability> stores;
  std::vector<std::string> warnings;  ///< what may not work: no error
  bool repository_absent = false;     ///< no problem: `init` has not been run yet
  std::string repository_problem;     ///< empty: it is absent, or is there and opens
  bool unreachable = false;           ///< one of the problems is a path that does not answer

  bool good() const;
};
/// Looks whether everything that the configuration names can be reached; reads no content.
/// Errors: configuration, for paths that lie in each other.
ConfigCheckReport check_config(const config::Config& config, const Caller& caller);

struct BackupRequest {
  std::string service;              ///< empty: all services
  std::vector<std::string> stores;  ///< empty: all
};
struct BackupReport {
  std::string service;
  std::string run;
  backup::Result result;
  double duration_s = 0;
  std::optional<Error> failure;  ///< then there is no result
  std::vector<std::string> warnings = {};

  /// That the point was committed, and may hold ruins; empty: it does not. Code checks_failed.
  std::optional<Error> suspicion() const;
};
/// One report a service, in order of the file. Databases are marked before files are read.
/// The failure of a service that was asked for by name is thrown; of several services each is
/// tried, and the report says which failed. Errors: corruption: the repository's log is older than
/// this machine has seen it; whatever
///         backup::run throws.
std::vector<BackupReport> take_backup(const config::Config& config, const BackupRequest& request,
                                      const Caller& caller);

struct Window {
  std::string service;
  std::string store;
  Time from;
  Time to;
  std::string timeline;
};
struct PointsReport {
  std::vector<repo::Point> points;
  std::vector<Window> windows;
};
/// Errors: not_found: neither the configuration nor the repository knows the service.
PointsReport list_points(const config::Config& config, const std::string& service,
                         const Caller& caller);

struct AcceptReport {
  repo::Point point;
  bool was_suspect = false;  ///< false: nothing was to be accepted
};
/// Makes a suspect point good, for all hosts. `point`: its id, or the beginning of it.
/// Errors: not_found; usage: "latest", or several begin so.
AcceptReport accept_point(const config::Config& config, const std::string& point,
                          const Caller& caller);

/// What is looked into. `point`: "latest", an id, or the beginning of one (4 digits at least).
struct PointStore {
  std::string point;
  std::string store;
  std::string service;  ///< of which "latest" is meant; empty: of the only one
};
struct ListedEntry {
  Bytes key;
  stores::Entry entry;
};
/// ls: visits the entry at `path` if it is no directory, else what lies directly in it (or, with
/// `recursive`, everything below).   Errors: not_found.
void list_entries(const config::Config& config, const PointStore& at, const std::string& path,
                  bool recursive, const Caller& caller,
                  const std::function<void(const ListedEntry&)>& visit);

/// cat: the content of one file, in order.   Errors: not_found; usage: not a file.
void read_content(const config::Config& config, const PointStore& at, const std::string& path,
                  const Caller& caller, const std::function<void(ByteView)>& write);

enum class Change { added, removed, modified, metadata };
struct DiffEntry {
  std::string store;
  Change change = Change::added;
  Bytes key;
  std::uint64_t size_before = 0;
  std::uint64_t size_after = 0;
};
/// What differs, in order of stores and keys. Times of change and inode numbers do not count.
/// `service`: as of PointStore.
void diff_points(const config::Config& config, const std::string& before, const std::string& after,
                 const std::string& service, const Caller& caller,
                 const std::function<void(const DiffEntry&)>& visit);

struct RestoreRequest {
  std::string service;
  std::string into;                 ///< a directory; store s goes to into/s
  std::string at = "latest";        ///< latest, a point's id or its beginning, or a time
  std::vector<std::string> stores;  ///< empty: all of the point
  bool delta = false;
};
struct RestoredStore {
  std::string name;
  std::string type;
  std::string path;
  recovery::RestoreResult result;
  double duration_s = 0;
};
struct RestoreReport {
  std::string run;
  repo::Point point;
  std::vector<RestoredStore> stores;
  std::vector<std::string> notes;  ///< what should be known of the point
  double duration_s = 0;
};
/// Restores beside: touches nothing live, and nothing at all unless all of it can work.
/// Errors: not_found: service, point, store; refused: a target that has content (without delta),
/// that
///         is or holds live data or the repository, or without enough space; corruption.
RestoreReport restore_into(const config::Config& config, const RestoreRequest& request,
                           const Caller& caller);

struct PlanRequest {
  std::string service;
  std::string at = "latest";
  std::vector<std::string> stores;  ///< empty: all of the point
  bool safety_snapshot = true;
  std::vector<std::string> unsaved;  ///< stores without a safety snapshot
  bool in_place_delta = false;
  bool compare_content = false;  ///< take no live file for unchanged unread
  bool without_lock = false;     ///< the application's commands that hold writes are not run
};
struct PlannedStep {
  std::string name;
  std::string what;
  std::optional<double> expected_s;  ///< from earlier runs
  bool can_be_undone = true;
};
struct PlannedTarget {
  std::string store;
  std::string type;
  stores::TargetIdentity identity;
  std::uint64_t point_bytes = 0;
  std::uint64_t point_entries = 0;
};
/// One drill, from this machine's catalog, or from the evidence in the repository.
struct DrillSummary {
  std::string run;
  Time time;  ///< of its beginning
  std::string state;
  double seconds = 0;
  std::vector<recovery::StepOutcome> phases;
  std::vector<std::string> failed_checks;
  std::vector<std::string> not_covered;
  std::string point;            ///< its id; empty: none was chosen
  bool whole = true;            ///< every store of the service was restored
  bool evidence_waits = false;  ///< in this machine's catalog: it is not yet in the repository

  /// It has ended, and proves nothing.
  bool has_failed() const { return state != "succeeded" && state != "running"; }
};

struct RestorePlanReport {
  recovery::Plan plan;
  repo::Point point;
  double lost_s = 0;  ///< the age of the point, never negative: what was written since is lost
  std::vector<PlannedTarget> targets;
  std::vector<recovery::FileSystemSpace> space;
  std::vector<PlannedStep> steps;
  std::optional<double> expected_s;         ///< until the service is back, as far as it is known
  std::vector<std::string> untouched;       ///< stores that the point does not have
  std::vector<std::string> warnings;        ///< what should be known before it begins
  std::optional<std::string> open_restore;  ///< a run that must be resumed or undone first
  std::optional<DrillSummary> last_drill;   ///< the newest of the point, else of the service
  std::string undo;                         ///< what undo means, until when
  std::optional<Error> refusal;             ///< the guard that would stop it as things are
};
/// What a restore in place would do. Touches nothing.
/// Errors: not_found: service, point, store; configuration.
RestorePlanReport plan_restore(const config::Config& config, const PlanRequest& request,
                               const Caller& caller);

struct InPlaceRequest {
  PlanRequest plan;
  std::string confirm;                                   ///< the service's name
  std::function<void(const std::string& run)> on_begin;  ///< may be empty
};
struct InPlaceReport {
  recovery::RunOutcome outcome;
  std::vector<std::string> notes;  ///< what should be known of the point
};
/// The guarded restore. A failure of the run is in the report, with what was done until then.
/// Errors: refused: not confirmed; conflict: the service is being restored; those of plan_restore.
InPlaceReport restore_in_place(const config::Config& config, const InPlaceRequest& request,
                               const Caller& caller);

/// Whether nothing of a run is left to go on with or to take back.
bool is_over(const recovery::RunOutcome& outcome);

/// Whether a run has locked the writes of its service, and has not returned them.
bool holds_writes(const recovery::RunOutcome& run);

/// What a verb that goes on with a run would do.
struct ContinuePreview {
  std::string verb;  ///< "undo", "close", "abandon"
  std::string run;
  std::string service;
  std::vector<std::string> lines;  ///< what becomes of what was written since, a line each
};

struct ContinueRequest {
  std::string run;      ///< the id, the beginning of one that the catalog has, or "latest"
  std::string confirm;  ///< the service's name; needed to undo, close and abandon
  bool takeover = false;
  bool current_commands = false;  ///< those of the configuration, instead of the plan's
  std::function<void(const std::string& run)> on_begin;  ///< may be empty
  /// Shows what would be done, and yields the name that was typed; called where `confirm` is empty.
  /// May be empty: nobody can be asked.
  std::function<std::string(const ContinuePreview& preview)> ask;
};
/// Each says first (Caller::say) what it will do to what was written since.
/// Errors: see recovery/execute.h; refused: not confirmed.
InPlaceReport resume_restore(const config::Config& config, const ContinueRequest& request,
                             const Caller& caller);
InPlaceReport undo_restore(const config::Config& config, const ContinueRequest& request,
                           const Caller& caller);
InPlaceReport close_restore(const config::Config& config, const ContinueRequest& request,
                            const Caller& caller);
InPlaceReport abandon_restore(const config::Config& config, const ContinueRequest& request,
                              const Caller& caller);

struct VerifyRequest {
  bool data = false;
  bool repair = false;
  std::string accept_older;  ///< the id of the repository whose older copy is to be accepted
};

/// That the repository is an older copy than this machine has seen, and was accepted. A value.
struct OlderCopy {
  std::uint64_t seen = 0;         ///< where this machine had seen the end of the log
  std::uint64_t found = 0;        ///< where it ends
  std::string what;               ///< the same as a sentence
  std::vector<std::string> lost;  ///< what else this machine had seen further, a line each
  std::vector<std::string>
      resumed;  ///< restores that were written back from this machine's catalog
};
struct VerifyReport {
  std::string run;
  std::string location;
  std::string repository;             ///< its id
  std::optional<OlderCopy> accepted;  ///< empty: nothing was to be accepted
  bool is_older = false;              ///< than this machine has seen it, and it is not accepted
  repo::CheckReport check;            ///< after the repair, if there was one
  std::vector<std::string> repaired;
  double duration_s = 0;
  bool repairs = false;  ///< a repair was asked for

  /// That it is damaged, with what to do; empty: it is sound. Code corruption.
  std::optional<Error> damage() const;
};
/// Damage is reported, not thrown.   Errors: those of opening; unreachable; cancelled; not_found:
/// `accept_older` is another repository's id.
VerifyReport verify(const config::Config& config, const VerifyRequest& request,
                    const Caller& caller);

struct UncoveredPath {
  std::string path;
  bool sqlite = false;
};
/// How urgently somebody should look.
enum class Health { good, warning, critical };
std::string_view name_of(Health health);

/// Why a service is not good.
struct Reason {
  Health health = Health::warning;
  std::string word;  ///< one or two, for a table: "TOO OLD"
  std::string text;  ///< a sentence
};
struct ServiceStatus {
  std::string service;
  std::string host;                   ///< whose recovery points count; empty: every host's
  bool points_known = true;           ///< the repository could be opened, or is not there
  std::optional<repo::Point> newest;  ///< a good one; a partial one only where there is no other
  std::string suspect_note;   ///< newer suspect points that are passed over; empty: there are none
  std::string clock_note;     ///< a point is from the future; empty: none is
  std::string older_note;     ///< the repository is an older copy than was seen; empty: it is not
  std::string evidence_note;  ///< records that are lost, and that no signed one names; empty: none
  std::vector<std::string> lacks;         ///< what the newest point does not have
  std::optional<std::string> other_host;  ///< there are points of other hosts only: of this one
  std::optional<std::string> held_by;     ///< a run that was ended, and left writes held
  std::optional<double> achieved_rpo_s;
  std::optional<std::int64_t> rpo_s;
  std::optional<std::int64_t> rto_s;
  std::vector<std::string> stores_without_point;  ///< configured, not in the newest point
  std::vector<UncoveredPath> uncovered;           ///< under `protect`, in no store
  std::optional<catalog::RunRow> last_backup;
  std::optional<catalog::RunRow> last_restore;
  bool restored_in_place = false;      ///< once, as far as this machine knows
  bool rpo_met = false;                ///< without an RPO: there is a point
  std::optional<double> proven_rto_s;  ///< of the newest drill that succeeded
  bool rto_met = false;                ///< without an RTO: a drill has succeeded
  std::optional<DrillSummary> last_drill;
  bool never_drilled = true;
  bool drill_stale = true;  ///< none has succeeded within drill_limit_s
  double drill_limit_s = 0;
  std::optional<std::string> open_restore;  ///< a run that must be resumed or undone
  std::vector<std::string> kept;            ///< what finished restores keep of the old data
  std::vector<std::string> kept_notes;      ///< whose that is, and what may become of it
  std::vector<std::string> not_covered;     ///< what was never tested, or can't be restored
  std::vector<std::string> silent;          ///< stores that do not answer, and where: a line each
  std::size_t evidence_waiting = 0;         ///< records that the repository does not have yet
  std::vector<Reason> reasons;              ///< the most urgent first; empty: it is good

  /// The worst of the reasons.
  Health health() const;

  /// Whether the last drill ended, and not well.
  bool drill_failed() const;

  /// For sorting: the greater, the sooner somebody should look.
  double urgency() const;
};
struct StatusReport {
  std::vector<ServiceStatus> services;      ///< the most urgent first
  std::optional<Error> repository_failure;  ///< empty: it is reachable
  std::vector<std::string> warnings;

  /// Whether all of it is good.
  bool good() const;
};
/// Says what it can, also without a repository.   Errors: not_found: the service.
StatusReport status(const config::Config& config, const std::string& service, const Caller& caller);

/// Errors: those of the catalog.
std::vector<catalog::RunRow> list_runs(const config::Config& config,
                                       const catalog::RunFilter& filter);
struct RunReport {
  catalog::RunRow row;
  std::optional<recovery::RunOutcome> outcome;  ///< of restores in place and drills: their journal
};
/// `run`: "latest" is the one that list_runs() has first. A run that the catalog does not have is
/// looked for in the repository, by its whole id.
/// Errors: not_found.
RunReport show_run(const config::Config& config, const std::string& run, const Caller& caller);

std::vector<repo::SlotInfo> list_keys(const config::Config& config, const Caller& caller);
struct AddKeyRequest {
  std::string label;
  std::optional<config::SecretReference> passphrase;  ///< one of the two
  std::string recipient;                              ///< 64 hexadecimal digits
};
/// Returns the id of the new slot.   Errors: configuration; usage.
std::string add_key(const config::Config& config, const AddKeyRequest& request,
                    const Caller& caller);
/// `slot`: an id, or the beginning of one. Returns the id.
/// Errors: not_found; usage: several begin so; refused: the last one.
std::string remove_key(const config::Config& config, const std::string& slot, const Caller& caller);
void rotate_keys(const config::Config& config, const Caller& caller);
/// Writes a new private key to `file` (0600, must not exist); returns the recipient to add.
/// Errors: refused: the file exists.
std::string generate_key_file(const std::filesystem::path& file);

struct DrillRequest {
  std::string service;
  std::string at = "latest";
};
/// How a rehearsal went.   Units: seconds.
struct DrillReport {
  recovery::RunOutcome outcome;
  std::optional<std::int64_t> rto_s;
  bool whole = true;                     ///< every store of the service was in the point
  std::optional<bool> rto_met;           ///< empty without an objective, when not whole or failed
  std::vector<std::string> not_covered;  ///< what it says nothing about
  std::string runbook;                   ///< the file that was written; empty: none
};
/// Restores a point into a private staging directory, runs every check on it, and removes it. What
/// goes wrong on the way is in the report, with the code that the process should end with:
/// checks_failed, when a check is red; failed, when the time limit was reached.
/// Errors: not_found: service, point; those of opening the repository.
DrillReport drill(const config::Config& config, const DrillRequest& request, const Caller& caller);

struct RunbookRequest {
  std::string service;
  std::string file;  ///< where to write it; empty: nowhere
};
struct RunbookReport {
  std::string service;
  std::string markdown;
  std::string file;  ///< empty: it was not written
};
/// The service's restore runbook, as of now. Says what it can, also without a repository.
/// Errors: not_found: the service; failed, no_space: the file.
RunbookReport runbook(const config::Config& config, const RunbookRequest& request,
                      const Caller& caller);

/// Chains of evidence are named by their service; the repository's own is kWholeRepository.
inline constexpr std::string_view kWholeRepository = "-";
struct EvidenceRow {
  std::string service;  ///< empty: of the whole repository
  std::uint64_t sequence = 0;
  evidence::EvidenceSummary summary;
  std::string problem;                       ///< why there is no summary: missing, or damaged
  std::optional<evidence::EvidenceGap> gap;  ///< the record is lost
  bool waits = false;  ///< in this machine's catalog, to be appended; it has no sequence yet
};
/// In order of services, then of records, those that wait at the end; signatures are verified of
/// those alone.
/// Errors: not_found: neither the configuration nor the repository knows the service.
std::vector<EvidenceRow> list_evidence(const config::Config& config, const std::string& service,
                                       const Caller& caller);
/// The statement of one record, as JSON.   Errors: not_found; corruption: it is lost, or damaged.
std::string show_evidence(const config::Config& config, const std::string& service,
                          std::uint64_t sequence, const Caller& caller);

struct ExportedEvidence {
  std::string service;
  std::string file;
  std::string page;  ///< the same for people: file with the extension .html
  evidence::EvidenceReport verified;
};
/// Writes all records of a service to `file`, and a page for people beside it; both are replaced.
/// Errors: usage: `file` is the page; not_found; corruption: the chain does not verify; of gaps
/// that no signed record names only where they are refused.
ExportedEvidence export_evidence(const config::Config& config, const std::string& service,
                                 const std::filesystem::path& file, evidence::Gaps gaps,
                                 const Caller& caller);

struct EvidenceVerification {
  std::vector<evidence::EvidenceReport> chains;
  bool sound() const;
};
/// Every chain of the repository, also against what this machine remembers. `public_key`: empty, or
/// a file with the one that is expected.   Errors: configuration: it holds no public key.
EvidenceVerification verify_evidence(const config::Config& config,
                                     const std::filesystem::path& public_key, const Caller& caller);
/// An exported file; nothing else is read but the key, if there is one.
/// Errors: not_found; configuration, as above.
EvidenceVerification verify_evidence_file(const std::filesystem::path& file,
                                          const std::filesystem::path& public_key);

struct EvidenceKey {
  std::string pem;
  std::string key_id;
};
EvidenceKey evidence_public_key(const config::Config& config, const Caller& caller);

}  // namespace salvor::control
