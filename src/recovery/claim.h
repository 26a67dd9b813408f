#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "repo/records.h"

/// Who restores a service: one at a time, on any host that shares the repository.
namespace salvor::recovery {

struct ClaimRecord {
  bool begins = false;
  std::string run;
  std::string host;
  std::string process;
  Time time;
  std::optional<Time> since = {};  ///< when the run began, where its claim was written later

  Time began() const { return since.value_or(time); }
};

/// Threads: one.   Lifetime: shorter than the repository's.
class Claim {
 public:
  Claim(repo::Repository& repository, const std::string& service);

  /// The last record that can be read; empty when there is none.
  std::optional<ClaimRecord> last();

  /// All records that can be read, the oldest first.
  std::vector<ClaimRecord> history();

  /// The reason why the newest record can't be read; empty: it can, or there is none.
  std::string rot();

  /// Whether the run of a record is over, as its journal says: one that was killed before end()
  /// holds nothing.
  using IsOver = std::function<bool(const ClaimRecord& record)>;

  /// Writes a record, also when this run has begun already. A newest record that can't be read
  /// keeps nobody out: it is passed over with a warning. Reopening an ended run: (1) append
  /// `undoing` to its journal, (2) begin(). A concurrent restore either sees (1) or loses the race
  /// for (2). `since`: when the run began, if that was before. Errors: conflict, naming the run and
  /// its host, while another run has begun and is not over.
  void begin(const std::string& run, const IsOver& is_over, std::optional<Time> since = {});

  /// What begin() would, without writing.
  void require_free_for(const std::string& run, const IsOver& is_over);

  /// Nothing unless this run is the one that has begun.
  void end(const std::string& run);

 private:
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
