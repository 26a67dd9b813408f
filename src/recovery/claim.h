#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "repo/records.h"

/// Which run restores a service: one at a time, on any host that shares the repository. A chain of
/// records in the repository says so; a record is created only if absent, so of two runs one wins.
///     Claim claim(repository, service);
///     claim.begin(run, is_over);     // throws (conflict) while another run has the service
///     claim.end(run);                // after the journal has ended
namespace salvor::recovery {

/// What can be done about an open restore, as whole commands. While its process lives
/// (`is_running`) it can only be followed: nobody else may resume or undo it.
std::string ways_on_with(const std::string& run, const std::string& service, bool is_running);

/// One record of the chain: a run begins to restore the service, or has ended. A value.
struct ClaimRecord {
  bool begins = false;
  std::string run;
  std::string host;
  std::string process;
  Time time;
  /// When the run began, where its claim was written later (the repository could not be written
  /// to).
  std::optional<Time> since = {};

  /// When the run began, as far as this record says.
  Time began() const { return since.value_or(time); }
};

/// The claims of one service.
/// Errors:   of all calls: unreachable, and what else the repository throws. A record that can't be
///           read is none: see rot().
/// Threads:  one.
/// Lifetime: shorter than the repository's.
class Claim {
 public:
  Claim(repo::Repository& repository, const std::string& service);

  /// The last record that can be read; empty when there is none.
  std::optional<ClaimRecord> last();

  /// All records that can be read, the oldest first.
  std::vector<ClaimRecord> history();

  /// Why the newest record can't be read; empty when it can, or when there is none.
  std::string rot();

  /// Whether the run of a record is over, as its journal says: a run that was killed before end()
  /// no longer holds the service.
  using IsOver = std::function<bool(const ClaimRecord& record)>;

  /// Writes a record that this run has the service, also when it has begun before. A newest record
  /// that can't be read keeps nobody out: it is passed over with a warning.
  /// To reopen a run that has ended: (1) append `undoing` to its journal, (2) begin(). A concurrent
  /// restore either sees (1) or loses the race for (2). `since`: when the run began, if that was
  /// earlier.
  /// Errors: conflict, naming the run and its host, while another run has begun and is not over.
  void begin(const std::string& run, const IsOver& is_over, std::optional<Time> since = {});

  /// Throws what begin() would throw; writes nothing.
  void require_free_for(const std::string& run, const IsOver& is_over);

  /// Writes a record that this run has ended. Does nothing unless this run is the one that has
  /// begun.
  void end(const std::string& run);

 private:
  /// The newest record with its number, readable or not.
  struct Numbered {
    std::uint64_t number = 0;  ///< of the newest record, readable or not
    std::optional<ClaimRecord> record = {};
    std::string rot = {};  ///< why there is no record, though there is a number
  };
  Numbered read(std::uint64_t number);
  Numbered newest();
  Numbered free_for(const std::string& run, const IsOver& is_over);
  void append(std::uint64_t number, bool begins, const std::string& run, std::optional<Time> since);

  repo::Chain chain_;
  std::string service_;
};

}  // namespace salvor::recovery
