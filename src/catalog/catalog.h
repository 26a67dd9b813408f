#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/random.h"
#include "catalog/database.h"
#include "catalog/run.h"

/// This machine's record of what salvor did here. The repository is the truth: losing the catalog
/// loses history, and nothing that could be restored.
namespace salvor::catalog {

struct CatalogOptions {
  Clock* clock = &Clock::system();
  Rng* rng = &Rng::system();
};

/// A signed record of a run that waits until its repository can be written to. A value.
struct WaitingEvidence {
  std::int64_t number = 0;    ///< in the order in which they were kept
  std::string service = {};   ///< empty: of the whole repository
  std::string envelope = {};  ///< as recovery/evidence.h makes it
  std::string reason = {};    ///< why it could not be written
  std::uint64_t after = 0;    ///< the newest record that its chain had then
};

/// A run whose journal or claim is not in its repository, or not all of it. A value.
struct UnwrittenRun {
  std::string run;
  std::string service;
};

/// Runs, and the repositories' heads, in a SQLite file.
/// Threads: any; also any number of processes at once, and of objects in one process.
/// Lifetime: the clock and the generator must outlive it.
/// Errors: of every call: no_space; conflict (retryable); corruption (found after the opening);
///         failed. A caller whose task does not need the catalog goes on without it.
class Catalog {
 public:
  /// Opens the file, or makes it (0600, in directories of 0700). A damaged file is renamed to
  /// "<path>.damaged-<time>", with a warning, and a new one begun.
  /// Errors: configuration: it was written by a newer version.
  static Catalog open(const std::filesystem::path& path, const CatalogOptions& options = {});

  /// Records that this process begins a run. `service` is empty for what concerns the repository.
  RunId begin_run(RunKind kind, std::string_view service, std::string_view trigger = "command");

  /// Makes a run that is not running this process's own, as after `restore --resume`.
  /// Errors: not_found; conflict, when it is running.
  void resume_run(const RunId& id);

  /// Records which repository a run is of. Nothing when the catalog does not have the run.
  void file_under(const RunId& id, std::string_view repository_id);

  /// Remembers which repository is at a location, for when it can't be opened.
  void note_location(std::string_view location, std::string_view repository_id);
  /// Empty when none was ever opened there.
  std::optional<std::string> repository_at(std::string_view location);

  /// Records the end of a run, now. `state` is not running.
  /// Errors: not_found.
  void finish_run(const RunId& id, RunState state, std::string_view summary_json,
                  std::string_view error = {});

  /// Changes the state of a run that has ended (closed, undone), and nothing else.
  /// Errors: not_found.
  void change_state(const RunId& id, RunState state);

  /// Records a run that began elsewhere, or before this catalog: as running, by this process.
  /// Nothing when the catalog has it.
  void adopt_run(const RunId& id, RunKind kind, std::string_view service, Time started);

  /// The journal of a run, as the repository has it; durable when it returns. A record that is
  /// there already stays.
  void append_journal(std::string_view run, std::uint64_t number, std::string_view record);
  std::vector<std::string> journal(std::string_view run);
  std::optional<std::string> journal_record(std::string_view run, std::uint64_t number);

  /// Keeps a record of evidence; durable when it returns. Its number is given here.
  void keep_evidence(std::string_view repository_id, const WaitingEvidence& evidence);
  /// What waits for that repository, in order.
  std::vector<WaitingEvidence> waiting_evidence(std::string_view repository_id);
  /// The record is in the repository. Nothing when it was forgotten before.
  void forget_evidence(std::int64_t number);

  /// Remembers that the repository lacks something of a run, until forget_unwritten().
  void note_unwritten(std::string_view repository_id, const UnwrittenRun& run);
  /// In the order of their ids, which is that of time.
  std::vector<UnwrittenRun> unwritten_runs(std::string_view repository_id);
  void forget_unwritten(std::string_view run);

  /// Remembers how long a step took.   Units: seconds.
  void note_step(std::string_view service, RunKind kind, std::string_view step, double seconds);

  /// The median of the newest times that a step took, of that kind of run, or else of the other.
  std::optional<double> step_seconds(std::string_view service, RunKind kind, std::string_view step);

  /// Newest first. Runs of processes that are gone become `interrupted`.
  std::vector<RunRow> runs(const RunFilter& filter = {});

  /// The run with this id, or the only one whose id begins so; empty when there is none.
  /// Errors: usage, when there are several.
  std::optional<RunRow> run(std::string_view id_or_prefix);

  /// Empty when no run of that kind has succeeded.
  std::optional<DurationStatistics> durations(std::string_view service, RunKind kind);

  /// Remembers that the repository's log had reached `sequence`. Never goes back: a log that is
  /// shorter than what is remembered was tampered with, or was restored from an old copy.
  void note_head(std::string_view repository_id, std::uint64_t sequence);
  std::optional<std::uint64_t> head(std::string_view repository_id);

  /// Goes back: the repository is an older copy, and this machine goes by it from now on.
  void set_head_back(std::string_view repository_id, std::uint64_t sequence);

  /// All that begin so, in order.
  std::vector<std::string> heads_below(std::string_view prefix);

 private:
  Catalog(Fd users, Database database, const CatalogOptions& options);
  // Both with mutex_ held.
  void mark_interrupted();
  void require_run(const RunId& id);

  /// Held by every public call: two threads in one connection would see each other's statements
  /// half done. Allocated, so that a Catalog can be moved.
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
  Fd users_;  // goes after the connection
  Database database_;
  Clock* clock_;
  Rng* rng_;
};

}  // namespace salvor::catalog
