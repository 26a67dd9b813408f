#pragma once

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

  /// Nothing when this run has begun already.
  /// Errors: conflict, naming the run and its host, while another run has begun and not ended.
  void begin(const std::string& run);

  /// Nothing unless this run is the one that has begun.
  void end(const std::string& run);

 private:
  struct Numbered {
    std::uint64_t number = 0;
    std::optional<ClaimRecord> record;
  };
  Numbered newest();
  void append(std::uint64_t number, bool begins, const std::string& run);

  repo::Chain chain_;
  std::string service_;
};

}  // namespace salvor::recovery
