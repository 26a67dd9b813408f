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
};

/// Threads: one.   Lifetime: shorter than the repository's.
class Claim {
 public:
  Claim(repo::Repository& repository, const std::string& service);

  /// The last record; empty when the service was never restored in place.
  std::optional<ClaimRecord> last();

  /// All records, the oldest first.
  std::vector<ClaimRecord> history();

  /// Whether a run is over, as its journal says: one that was killed before end() holds nothing.
  using IsOver = std::function<bool(const std::string& run)>;

  /// Writes a record, also when this run has begun already. A run that is over is taken up again
  /// by its journal first and its claim then: so that whoever begins in between has either read the
  /// one or written over the other.
  /// Errors: conflict, naming the run and its host, while another run has begun and is not over.
  void begin(const std::string& run, const IsOver& is_over);

  /// What begin() would, without writing.
  void require_free_for(const std::string& run, const IsOver& is_over);

  /// Nothing unless this run is the one that has begun.
  void end(const std::string& run);

 private:
  struct Numbered {
    std::uint64_t number = 0;
    std::optional<ClaimRecord> record;
  };
  Numbered newest();
  Numbered free_for(const std::string& run, const IsOver& is_over);
  void append(std::uint64_t number, bool begins, const std::string& run);

  repo::Chain chain_;
  std::string service_;
};

}  // namespace salvor::recovery
