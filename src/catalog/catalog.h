#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/process_identity.h"
#include "base/random.h"
#include "catalog/internal/database.h"
#include "catalog/run.h"

/// This machine's record of what salvor did here, in one SQLite file. The repository is the truth:
/// losing the catalog loses history and the warning about an older copy, and nothing that could be
/// restored. The order of calls of a run:
///     Catalog catalog = Catalog::open(path);
///     const RunId run = catalog.begin_run(RunKind::backup, "shop");
///     catalog.file_under(run, repository_id);    // once the repository is open
///     catalog.finish_run(run, RunState::succeeded, summary_json);
namespace salvor::catalog {

namespace internal {
class RunLock;
}

/// Where the catalog takes time and randomness from; tests bring their own.
/// Lifetime: both outlive the catalog.
struct CatalogOptions {
  Clock* clock = &Clock::system();
  Rng* rng = &Rng::system();
};

/// A signed record of a run that waits until its repository can be written to. A value.
struct WaitingEvidence {
  std::int64_t number = 0;    ///< in the order in which they were kept
  std::string service = {};   ///< of which service; empty: of the whole repository
  std::string envelope = {};  ///< as evidence::seal_waiting() makes it
  std::string reason = {};    ///< why it could not be written
  std::uint64_t after = 0;    ///< the newest record that its chain had then
};

/// A run whose journal or claim is not in its repository, or not all of it, because the repository
/// could not be written to. A value.
struct UnwrittenRun {
  std::string run;
  std::string service;
};

/// Runs, their journals, and how far each repository's log had come, in a SQLite file.
/// Threads:  any; also any number of processes at once, and of objects in one process.
/// Lifetime: the clock and the generator outlive it.
/// Errors:   of every call: no_space; conflict (retryable), when another process holds it for more
///           than 10 s; corruption, found after the opening; failed. A caller whose task does not
///           need the catalog warns, and does without it.
class Catalog {
 public:
  /// Opens the file, or makes it (mode 0600, in directories of 0700). A damaged file is renamed to
  /// "<path>.damaged-<time>", with a warning, and a new one is begun.
  /// Errors: configuration: it was written by a newer version.
  static Catalog open(const std::filesystem::path& path, const CatalogOptions& options = {});

  Catalog(Catalog&& other) noexcept;
  ~Catalog();

  /// Records that this process begins a run. `service` is empty for what concerns the whole
  /// repository; `trigger` says what began the run. From here until finish_run() the run has a lock
  /// (runs/RUN beside the file), which goes with the process; where none can be had, the run goes
  /// on without.
  RunId begin_run(RunKind kind, std::string_view service, std::string_view trigger = "command");

  /// Makes a run that is not running this process's own, for instance for `restore --resume`, with
  /// its lock. Its end and its error are forgotten.
  /// Errors: not_found; conflict, when it is running.
  void resume_run(const RunId& id);

  /// Records to which repository a run belongs. Does nothing when the catalog does not have the
  /// run.
  void file_under(const RunId& id, std::string_view repository_id);

  /// Remembers which repository is at a location, so that its history can be shown while it can't
  /// be opened.
  void note_location(std::string_view location, std::string_view repository_id);
  /// The repository that was last at a location; empty when none was ever opened there.
  std::optional<std::string> repository_at(std::string_view location);

  /// Records how a run ended, and when (empty: now). `state` is any but `running` and `abandoned`.
  /// Errors: not_found.
  void finish_run(const RunId& id, RunState state, std::string_view summary_json,
                  std::string_view error = {}, std::optional<Time> ended = {});

  /// Changes the state of a run that has ended (to closed, or undone), and nothing else.
  /// Errors: not_found.
  void change_state(const RunId& id, RunState state);

  /// Records a run that began elsewhere, or before this catalog was made: as running, and as this
  /// process's own. Does nothing when the catalog has the run.
  void adopt_run(const RunId& id, RunKind kind, std::string_view service, Time started);

  /// Whether a process still carries a run out that has noted its identity with it, here or in a
  /// journal. The run's lock decides, where this machine has one that is held, or that the process
  /// has left; else what can be said of the process itself.
  /// Threads: any, also while the catalog is held.
  Liveness liveness(std::string_view run, std::string_view process) const;

  /// Keeps one record of a run's journal, as the repository has it; durable when it returns. A
  /// record that is there already stays as it is: compare with journal_record() where that matters.
  /// Units: records count from 1.
  void append_journal(std::string_view run, std::uint64_t number, std::string_view record);
  /// All records of a run's journal, in order. Empty when the catalog has none.
  std::vector<std::string> journal(std::string_view run);
  std::optional<std::string> journal_record(std::string_view run, std::uint64_t number);

  /// Keeps a record of evidence; durable when it returns. The catalog gives it its number.
  void keep_evidence(std::string_view repository_id, const WaitingEvidence& evidence);
  /// The records that wait for that repository, in the order in which they were kept.
  std::vector<WaitingEvidence> waiting_evidence(std::string_view repository_id);
  /// Forgets one: it is in the repository now. Does nothing when it was forgotten before.
  void forget_evidence(std::int64_t number);

  /// Remembers that the repository lacks something of a run, until forget_unwritten().
  void note_unwritten(std::string_view repository_id, const UnwrittenRun& run);
  /// Those runs, ordered by their ids, which is by time.
  std::vector<UnwrittenRun> unwritten_runs(std::string_view repository_id);
  void forget_unwritten(std::string_view run);

  /// Remembers how long a step of a run took, for the estimates of later plans.
  /// Units: seconds.
  void note_step(std::string_view service, RunKind kind, std::string_view step, double seconds);

  /// The median of the newest 20 times that this step of this service took in runs of `kind`; where
  /// there are none, in runs of every kind. Empty when the step was never run.
  std::optional<double> step_seconds(std::string_view service, RunKind kind, std::string_view step);

  /// The runs that `filter` selects, newest first, in the order in which they were recorded. A run
  /// whose process is gone becomes `interrupted` first.
  std::vector<RunRow> runs(const RunFilter& filter = {});

  /// The run with this id, or the only one whose id begins with it; empty when there is none.
  /// Errors: usage, when there are several.
  std::optional<RunRow> run(std::string_view id_or_prefix);

  /// How long the newest succeeded runs of that kind took; empty when none has succeeded.
  std::optional<DurationStatistics> durations(std::string_view service, RunKind kind);

  /// Remembers that a log (of a repository, or of its evidence) had reached `sequence`. It never
  /// goes back: a log that is shorter than what is remembered was tampered with, or was put in
  /// place from an older copy.
  void note_head(std::string_view repository_id, std::uint64_t sequence);
  /// What is remembered; empty for a log that this machine has never seen.
  std::optional<std::uint64_t> head(std::string_view repository_id);

  /// Forgets what was remembered beyond `sequence`: the user has accepted that the repository is an
  /// older copy.
  void set_head_back(std::string_view repository_id, std::uint64_t sequence);

  /// The names of all logs that begin with `prefix`, in order.
  std::vector<std::string> heads_below(std::string_view prefix);

 private:
  Catalog(Fd users, Database database, std::filesystem::path locks, const CatalogOptions& options);
  void lock_run(const std::string& run);
  /// Makes runs interrupted whose process is certainly gone.
  void mark_interrupted();
  void require_run(const RunId& id);

  /// Held by every public call: two threads in one connection would see each other's statements
  /// half done. Allocated, so that a Catalog can be moved.
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
  Fd users_;  // goes after the connection
  Database database_;
  std::filesystem::path lock_directory_;
  std::map<std::string, internal::RunLock> locks_;  ///< of this process's runs
  Clock* clock_;
  Rng* rng_;
};

}  // namespace salvor::catalog
