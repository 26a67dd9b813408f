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

/// The first hour after a restore: is the service well, and as well as before? A watch runs probes
/// again and again. What it saw can be the baseline of a later one:
///     const WatchReport report = watch(options, subjects);
///     options.baseline = baseline_of(report);
namespace salvor::checks {

/// What a probe was like before. A value.
/// Units: seconds; the share is from 0 to 1.
struct Normal {
  std::uint64_t runs = 0;
  double failure_share = 0;
  double median_s = 0;
};
/// By the probe's name.
using Baseline = std::map<std::string, Normal>;

/// Something that is not as it should be, or is so again. A value.
struct Anomaly {
  Time time;
  std::string probe;
  std::string what;
};

/// One probe over a whole watch. A value.
/// Units: seconds, of runs that passed.
struct ProbeReport {
  std::string name;
  std::string kind;
  std::uint64_t runs = 0;      ///< without those that were skipped
  std::uint64_t failures = 0;  ///< with those that could not be asked
  std::uint64_t skipped = 0;   ///< said nothing: its log is not there
  double median_s = 0;
  double longest_s = 0;
  std::string last_failure;
  std::vector<std::string> remarks;  ///< in comparison with the baseline, and what was not watched
};

/// What a watch saw, at its end or so far. A value.
/// Units: seconds.
struct WatchReport {
  bool healthy = true;   ///< no more failures than tolerated
  bool stopped = false;  ///< it was ended before its time
  double seconds = 0;    ///< how long it has watched
  std::uint64_t failures = 0;
  std::vector<ProbeReport> probes;  ///< in the order of the options
};

/// What is watched, for how long, and who is told.
/// Units:    seconds.
/// Lifetime: clock and sleeper outlive the call.
struct WatchOptions {
  std::vector<service::Check> probes;
  std::int64_t duration_s = 3600;
  std::int64_t every_s = 30;
  std::uint64_t failures_max = 0;  ///< of all probes together
  Baseline baseline = {};          ///< empty: nothing to compare with

  /// Called as it happens: a probe begins to fail, is well again, or is slower than before; a log
  /// has new lines that count. By the thread of watch().
  std::function<void(const Anomaly&)> on_anomaly = {};
  /// Called after each round, by the thread of watch().
  std::function<void(const WatchReport& so_far)> on_round = {};

  /// Called instead of run_check(), for tests. Logs are read nevertheless.
  std::function<CheckOutcome(const service::Check&, const std::stop_token&)> ask = {};
  Clock* clock = &Clock::system();
  Sleeper* sleeper = &Sleeper::system();
  std::stop_token stop = {};
};

/// Runs every probe at once, then every `every_s`, and a last time at the end. A round that takes
/// longer than `every_s` delays the next one, and is not made up for. Of a log only those lines
/// count that were appended since the watch began; a log that is rotated is followed.
/// A comparison with the baseline makes remarks. It does not decide what is healthy: only failures
/// do.
/// Errors:  none of the probes. At a stop it returns what it saw.
/// Threads: any; blocks.
WatchReport watch(const WatchOptions& options, const CheckSubjects& subjects);

/// What is normal, for comparison with a later watch. Logs are left out, and probes that never ran.
Baseline baseline_of(const WatchReport& report);

}  // namespace salvor::checks
