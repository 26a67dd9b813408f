#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "catalog/catalog.h"
#include "repo/records.h"

/// The journal of a run: what it has begun and done, durably (docs/recovery.md).
namespace salvor::recovery {

enum class Event {
  planned,
  began,
  done,
  failed,
  resumed,
  undoing,
  undone,
  ended,
  replanned,  ///< the plan again, with the configuration's commands of that moment
  lost,       ///< what was written here can't be read any more; `error` says why
};
std::string_view name_of(Event event);

/// What becomes of records that can be read neither in the repository nor in the catalog.
enum class Rotten {
  refuse,  ///< the journal can't be read: corruption
  skip,    ///< each is an entry `lost`: for those who only want to know how a run stands, or end it
};

/// What becomes of a record where the repository can't be written to (Error::unwritable).
enum class Unwritten {
  refuse,  ///< it is not written
  keep,    ///< it stays in the catalog, and goes to the repository before the next that can
  forgo,   ///< the same; without a catalog this process alone knows it: for drills
};

/// One record. A value.   Units: seconds.
struct JournalEntry {
  Event event = Event::planned;
  std::string step;
  Time time;
  std::string host;
  std::string process;
  double seconds = 0;
  std::string data;  ///< JSON; empty when there is none
  std::string error;
  std::vector<std::string> deviations = {};  ///< what was not as it should be, for the evidence
};

std::string to_json(const JournalEntry& entry);

/// Errors: corruption.
JournalEntry parse_journal_entry(std::string_view json);

/// Where a process may die: for tests that kill it there. Called before and after each record is
/// written, and by steps in their middle, with a name of the place.
using KillPoint = std::function<void(std::string_view place)>;

/// Threads: one.   Lifetime: shorter than the repository's and the catalog's.
class Journal {
 public:
  /// Reads what there is; a record that is damaged in the repository from the catalog, which may be
  /// null.   Errors: corruption, unless `rotten` says otherwise.
  Journal(repo::Repository& repository, catalog::Catalog* catalog, const std::string& run,
          KillPoint kill_point = {}, Rotten rotten = Rotten::refuse);

  const std::vector<JournalEntry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }

  /// Writes the next record, durably: in the repository, then in the catalog (where a failure is a
  /// warning). What the repository lacks of the records before comes first.
  /// Errors: conflict: another process has gone on with this run; those of the repository.
  void append(JournalEntry entry);

  /// What append() does from now on; `refuse` at first. `service`: whose run it is.
  void allow_unwritten(Unwritten what, const std::string& service);
  Unwritten allowed() const { return unwritten_; }

  /// Whether the repository lacks records of it, as a warning has said.
  bool waits() const { return !waiting_.empty(); }

  /// Brings to the repository what this machine's catalog has and the repository lacks.
  /// Errors: as append().
  void catch_up();

  /// Whether the catalog could be read so far, where there is one.
  bool catalog_was_read() const { return catalog_ != nullptr; }

  bool began(std::string_view step) const;  ///< and was not undone since
  bool done(std::string_view step) const;   ///< and was not undone since
  bool ever_began(std::string_view step) const;

  /// What the step remembered when it was done; when it began for the first time. Empty: nothing.
  std::string data(std::string_view step) const;
  std::string data_before(std::string_view step) const;
  bool undoing() const;

  /// The reason why the first lost record can't be read; empty: none is lost.
  std::string rot() const;

  /// Of `ended`; empty while the run has not ended, or was gone on with since.
  std::optional<std::string> state() const;

  /// Another process has gone on with this run: nothing may be touched any more.
  bool lost() const { return lost_; }

  /// Who wrote last.
  const JournalEntry& last() const { return entries_.back(); }

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

  [[noreturn]] void throw_gone_on();

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
  std::string newest_;                ///< the last entry, as it was written
  std::vector<std::string> waiting_;  ///< the last entries, as they are to be in the repository
  std::map<std::uint64_t, std::string> gaps_;  ///< what is missing before those
  bool told_ = false;                          ///< that they wait
  bool lost_ = false;
};

}  // namespace salvor::recovery
