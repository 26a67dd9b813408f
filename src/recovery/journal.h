#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/process_identity.h"
#include "catalog/catalog.h"
#include "recovery/step_id.h"
#include "repo/records.h"

/// The journal of a run: what it has begun and done, durably (docs/recovery.md). It lies in the
/// repository, and this machine's catalog has a copy. A step is journalled like this:
///     journal.append(began);       // with what undoes it
///     step.run(context);
///     journal.append(done);        // with what the step remembers
namespace salvor::recovery {

using catalog::RunState;

/// What a record says. `began`, `done`, `failed` and `undone` are about a step, the others about
/// the run. The names are stored.
enum class Event {
  planned,
  began,
  done,
  failed,
  resumed,
  undoing,
  undone,
  ended,
  /// The plan again, with the commands that the configuration had at that moment.
  replanned,
  /// A record that can't be read any more; `error` says why. It is never written.
  lost,
};
/// The name that is stored.
std::string_view name_of(Event event);

/// What a reader does about records that can be read neither in the repository nor in the catalog.
enum class Rotten {
  /// The journal can't be read: corruption.
  refuse,
  /// Each is an entry `lost`. For code that only wants to know how a run stands, or to end it.
  skip,
};

/// What becomes of a record where the repository can't be written to (Error::unwritable). Until its
/// safety snapshot is taken, a run that wants one does not continue without the repository; after
/// it, the run must be able to end.
enum class Unwritten {
  /// It is not written: append() throws.
  refuse,
  /// It stays in the catalog, and goes to the repository before the next record that can.
  keep,
  /// As `keep`; but without a catalog only this process knows it. For drills, which nobody resumes.
  forgo,
};

/// One record. append() fills in time, host and process. A value.
/// Units: seconds.
struct JournalEntry {
  Event event = Event::planned;
  StepId step;
  Time time;
  std::string host;
  std::string process;
  double seconds = 0;
  std::string data;  ///< JSON; empty when there is none
  std::string error;
  std::vector<std::string> deviations = {};  ///< what was not as it should be, for the evidence
};

/// The text that is stored.
std::string to_json(const JournalEntry& entry);

/// The reverse.
/// Errors: corruption: the text is no record, or has an event or an end that this version does not
///         know.
JournalEntry parse_journal_entry(std::string_view json);

/// Where a process may die: for tests that kill it there. Called before and after each record is
/// written, and by steps in their middle, with the name of the place.
using KillPoint = std::function<void(std::string_view place)>;

/// The journal of one run, as it was at the opening and as this object has continued it.
/// Threads:  one.
/// Lifetime: shorter than the repository's and the catalog's.
class Journal {
 public:
  /// Reads what there is. A record that is damaged in the repository is read from the catalog,
  /// which may be null. A run without a journal is empty().
  /// Errors: corruption, unless `rotten` says otherwise; those of the repository.
  Journal(repo::Repository& repository, catalog::Catalog* catalog, const std::string& run,
          KillPoint kill_point = {}, Rotten rotten = Rotten::refuse);

  const std::vector<JournalEntry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

  /// Writes the next record, durably: in the repository, and then in the catalog, where a failure
  /// is a warning. Records that the repository still lacks go there first. A long error or
  /// deviation is cut.
  /// Errors: conflict: another process has resumed or undone this run, and lost() is true; those of
  ///         the repository, unless allow_unwritten() says otherwise.
  void append(JournalEntry entry);

  /// What append() does from now on where the repository can't be written to; `refuse` at first.
  /// `service`: whose run it is.
  void allow_unwritten(Unwritten what, const std::string& service);
  Unwritten allowed() const { return unwritten_; }

  /// Whether the repository lacks records of it, as a warning has said.
  bool waits() const { return !waiting_.empty(); }

  /// Brings to the repository what this machine's catalog has and the repository lacks.
  /// Errors: as append().
  void catch_up();

  /// Whether there is a catalog, and every read of it has succeeded.
  bool catalog_was_read() const { return catalog_ != nullptr; }

  /// Whether the step has begun, and was not undone since; done(): whether it is also finished.
  bool began(const StepId& step) const;
  bool done(const StepId& step) const;
  /// Whether the step has ever begun, whatever became of it.
  bool ever_began(const StepId& step) const { return first_beginning(step) != nullptr; }
  /// Its record of that; null: it never began.
  const JournalEntry* first_beginning(const StepId& step) const;

  /// What the step remembered when it was done last; data_before(): when it began for the first
  /// time. Empty: nothing.
  std::string data(const StepId& step) const;
  std::string data_before(const StepId& step) const;
  /// Whether a record of this kind is there: `began`: of any step; `undoing`: an undo has begun.
  bool has(Event event) const;

  /// Why the first lost record can't be read; empty: none is lost.
  std::string rot() const;

  /// How the run ended; empty while it has not ended, was resumed or is being undone since, or when
  /// a record after its end is lost.
  std::optional<RunState> state() const;

  /// Whether another process has this run now: then this one must touch nothing any more.
  bool lost() const { return lost_; }

  /// Whether a process that has noted its identity with this run still carries it out: see
  /// catalog::Catalog::liveness(). Without a catalog only the process itself tells it.
  Liveness liveness(const std::string& process) const;

  /// Who wrote last. Not for an empty journal.
  const JournalEntry& last() const { return entries_.back(); }

  /// Calls the kill point, if there is one.
  void reach(std::string_view place) const;

 private:
  std::string read(std::uint64_t number);
  std::string add(std::uint64_t number, Rotten rotten);
  void add_kept(std::uint64_t number);
  bool is_known_unwritten();
  void put(const std::string& text);
  void keep(const std::string& text, const Error& why);
  bool keep_in_catalog(const std::string& text, const Error& why);
  void copy_to_catalog(const std::string& text);

  [[noreturn]] void throw_resumed_elsewhere();

  /// As the catalog has it.
  std::optional<std::string> kept(std::uint64_t number);

  repo::Chain chain_;
  catalog::Catalog* catalog_;
  std::string run_;
  KillPoint kill_point_;
  std::vector<JournalEntry> entries_;
  std::string repository_id_;
  std::string service_;
  Unwritten unwritten_ = Unwritten::refuse;
  std::string newest_;  ///< the last entry, as it was written
  /// The last entries, which the repository still lacks.
  std::vector<std::string> waiting_;
  /// Entries before those that are missing in the repository.
  std::map<std::uint64_t, std::string> gaps_;
  bool told_ = false;  ///< whether a warning has said that they wait
  bool lost_ = false;
};

}  // namespace salvor::recovery
