#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
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
  /// warning).
  /// Errors: conflict: another process has gone on with this run; those of the repository.
  void append(JournalEntry entry);

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

  [[noreturn]] void throw_gone_on();

  /// As the catalog has it.
  std::optional<std::string> kept(std::uint64_t number);

  repo::Chain chain_;
  catalog::Catalog* catalog_;
  std::string run_;
  KillPoint kill_point_;
  std::vector<JournalEntry> entries_;
  bool lost_ = false;
};

}  // namespace salvor::recovery
