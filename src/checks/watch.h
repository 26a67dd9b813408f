#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/sleeper.h"
#include "checks/checks.h"

/// The first hour after a restore: is the service well, and as well as before?
namespace salvor::checks {

/// What a probe was like before.   Units: seconds; the share from 0 to 1.
struct Normal {
  std::uint64_t runs = 0;
  double failure_share = 0;
  double median_s = 0;
};
using Baseline = std::map<std::string, Normal>;  ///< by the probe's name

/// Something that is not as it should be, or is so again.
struct Anomaly {
  Time time;
  std::string probe;
  std::string what;
};

/// One probe over a whole watch.   Units: seconds.
struct ProbeReport {
  std::string name;
  std::string kind;
  std::uint64_t runs = 0;      ///< without those that were skipped
  std::uint64_t failures = 0;  ///< what could not be asked, too
  std::uint64_t skipped = 0;   ///< said nothing: a log that is not there
  double median_s = 0;
  double longest_s = 0;
  std::string last_failure;
  std::vector<std::string> remarks;  ///< compared with the baseline, and what was not watched
};

struct WatchReport {
  bool healthy = true;   ///< no more failures than tolerated
  bool stopped = false;  ///< it was ended before its time
  double seconds = 0;    ///< so long it was watched
  std::uint64_t failures = 0;
  std::vector<ProbeReport> probes;  ///< in the order of the options
};

/// Units: seconds.   Lifetime: clock and sleeper outlive the call.
struct WatchOptions {
  std::vector<service::Check> probes;
  std::int64_t duration_s = 3600;
  std::int64_t every_s = 30;
  std::uint64_t failures_max = 0;  ///< of all probes together
  Baseline baseline = {};          ///< empty: nothing to compare with

  /// Called as it comes: a probe begins to fail, is well again, is slower than before; new lines in
  /// a log. By the thread of watch().
  std::function<void(const Anomaly&)> on_anomaly = {};
  std::function<void(const WatchReport& so_far)> on_round = {};

  /// In the place of run_check(), for tests.
  std::function<CheckOutcome(const service::Check&, const std::stop_token&)> ask = {};
  Clock* clock = &Clock::system();
  Sleeper* sleeper = &Sleeper::system();
  std::stop_token stop = {};
};

/// Runs every probe at once, then every `every_s`, and a last time at the end. A round that takes
/// longer than that delays the next, and is not made up for. Of logs only lines count that were
/// appended since the beginning; a log is followed when it is rotated.
/// A comparison with the baseline makes remarks, and does not decide what is healthy.
/// Errors: none of probes; at a stop it returns what was seen.   Threads: any; blocks.
WatchReport watch(const WatchOptions& options, const CheckSubjects& subjects);

/// What a watch saw, for comparison with a later one.
Baseline baseline_of(const WatchReport& report);

}  // namespace salvor::checks
