#include "checks/watch.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "checks/internal/log_follower.h"

namespace salvor::checks {
namespace {

/// A probe is slower than before when it takes this many times as long, and this much longer.
constexpr double kSlowerFactor = 3;
constexpr double kSlowerBy_s = 0.25;
constexpr std::size_t kRunsToJudgeSpeed = 5;

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string times_of(std::uint64_t part, std::uint64_t all) {
  return std::to_string(part) + " of " + std::to_string(all) + " runs";
}

/// One probe, and what was seen of it.
class Probe {
 public:
  Probe(const service::Check& check, const Baseline& baseline) : check_(check) {
    report_.name = check.name;
    report_.kind = "log";
    const auto normal = baseline.find(check.name);
    if (normal != baseline.end() && normal->second.runs > 0) normal_ = normal->second;
    if (const auto* log = std::get_if<service::LogTest>(&check.test)) {
      follower_ = std::make_unique<LogFollower>(log->log, log->pattern);
    }
  }

  const service::Check& check() const { return check_; }
  bool is_log() const { return follower_ != nullptr; }

  CheckOutcome read_log(bool last, const std::stop_token& stop) {
    const auto& test = std::get<service::LogTest>(check_.test);
    CheckOutcome outcome;
    outcome.name = check_.name;
    outcome.kind = "log";
    try {
      const std::uint64_t lines = follower_->read_on(last, stop);
      lines_ += lines;
      outcome.verdict = !follower_->found()              ? Verdict::skipped
                        : lines > 0 && lines_ > test.max ? Verdict::failed
                                                         : Verdict::passed;
      outcome.actual = "new lines with \"" + printable(test.pattern) +
                       "\": " + std::to_string(lines_) +
                       ", tolerated: " + std::to_string(test.max) +
                       "; the last: " + printable(follower_->last_line());
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled) throw;
      outcome.verdict = Verdict::impossible;
      outcome.actual = error.message();
    }
    return outcome;
  }

  /// Result: what is to be told at once, if anything.
  std::vector<std::string> take(const CheckOutcome& outcome) {
    std::vector<std::string> news;
    report_.kind = outcome.kind;
    if (outcome.verdict == Verdict::skipped) {
      ++report_.skipped;
      return news;
    }
    ++report_.runs;
    if (!outcome.good()) {
      ++report_.failures;
      report_.last_failure = describe(outcome);
      // A failure that lasts is told once. Of a log each new line is news.
      if (failing_for_++ == 0 || (is_log() && outcome.verdict == Verdict::failed)) {
        news.push_back(report_.last_failure);
      }
      return news;
    }
    if (failing_for_ > 0 && !is_log()) {
      news.push_back("works again, after " + std::to_string(failing_for_) + " failures");
    }
    failing_for_ = 0;
    add_duration(outcome.seconds, news);
    return news;
  }

  /// The report so far, with remarks.
  ProbeReport report() const {
    ProbeReport report = report_;
    if (is_log() && !follower_->found()) {
      report.remarks.push_back("the log was never there: nothing was watched");
    }
    if (report.runs == 0 || !normal_) return report;
    const double share = static_cast<double>(report.failures) / static_cast<double>(report.runs);
    const auto failed_before = static_cast<std::uint64_t>(
        std::llround(normal_->failure_share * static_cast<double>(normal_->runs)));
    const std::string before = times_of(failed_before, normal_->runs);
    if (share > normal_->failure_share) {
      report.remarks.push_back("fails more often than before: " +
                               times_of(report.failures, report.runs) + ", then " + before);
    } else if (failed_before > 0) {
      report.remarks.push_back("failed before, too: " + before);
    }
    if (is_slower()) report.remarks.push_back(slower());
    return report;
  }

 private:
  static std::string describe(const CheckOutcome& outcome) {
    std::string text = outcome.verdict == Verdict::impossible ? "can't be asked: " : "";
    text += outcome.actual;
    if (!outcome.expected.empty()) text += ", expected " + outcome.expected;
    return text;
  }

  void add_duration(double seconds, std::vector<std::string>& news) {
    seconds_.push_back(seconds);
    report_.median_s = median_of(seconds_);
    report_.longest_s = std::max(report_.longest_s, seconds);
    if (told_slower_ || !is_slower()) return;
    told_slower_ = true;
    news.push_back(slower());
  }

  bool is_slower() const {
    return normal_ && normal_->failure_share < 1 && seconds_.size() >= kRunsToJudgeSpeed &&
           report_.median_s > normal_->median_s * kSlowerFactor &&
           report_.median_s > normal_->median_s + kSlowerBy_s;
  }
  std::string slower() const {
    return "is slower than before: " + human_duration(report_.median_s) + " in the median, then " +
           human_duration(normal_->median_s);
  }

  const service::Check& check_;
  ProbeReport report_;
  std::optional<Normal> normal_;
  std::unique_ptr<LogFollower> follower_;  ///< of logs only
  std::uint64_t lines_ = 0;
  std::uint64_t failing_for_ = 0;
  std::vector<double> seconds_;  ///< of the runs that passed
  bool told_slower_ = false;
};

class Watch {
 public:
  Watch(const WatchOptions& options, const CheckSubjects& subjects)
      : options_(options), subjects_(subjects), begin_(options.clock->monotonic()) {
    for (const service::Check& check : options.probes)
      probes_.emplace_back(check, options.baseline);
  }

  WatchReport run() {
    const std::int64_t every_ms = std::max<std::int64_t>(options_.every_s, 1) * 1000;
    const std::int64_t duration_ms = std::max<std::int64_t>(options_.duration_s, 0) * 1000;
    for (std::int64_t due_ms = 0;;) {
      const bool last = due_ms >= duration_ms;
      if (!run_round(last)) return report(true);
      if (options_.on_round) options_.on_round(report(false));
      if (last) break;
      const std::int64_t next_ms = (elapsed_ms() + every_ms - 1) / every_ms * every_ms;
      due_ms = std::min(std::max(due_ms + every_ms, next_ms), duration_ms);
      const std::int64_t wait_ms = std::max<std::int64_t>(due_ms - elapsed_ms(), 0);
      if (!options_.sleeper->sleep(wait_ms, options_.stop)) return report(true);
    }
    return report(false);
  }

 private:
  std::int64_t elapsed_ms() const {
    return (options_.clock->monotonic().ns - begin_.ns) / 1'000'000;
  }

  /// False: the stop came.
  bool run_round(bool last) {
    for (Probe& probe : probes_) {
      try {
        if (options_.stop.stop_requested()) return false;
        for (const std::string& what : probe.take(ask(probe, last))) {
          if (options_.on_anomaly) {
            options_.on_anomaly({options_.clock->now(), probe.check().name, what});
          }
        }
      } catch (const Error& error) {
        if (error.code() != ErrorCode::cancelled || !options_.stop.stop_requested()) throw;
        return false;
      }
    }
    return true;
  }

  CheckOutcome ask(Probe& probe, bool last) {
    if (probe.is_log()) return probe.read_log(last, options_.stop);
    if (options_.ask) return options_.ask(probe.check(), options_.stop);
    return run_check(probe.check(), subjects_, options_.stop);
  }

  WatchReport report(bool stopped) const {
    WatchReport report;
    report.stopped = stopped;
    report.seconds = options_.clock->monotonic().seconds_since(begin_);
    for (const Probe& probe : probes_) {
      report.probes.push_back(probe.report());
      report.failures += report.probes.back().failures;
    }
    report.healthy = report.failures <= options_.failures_max;
    return report;
  }

  const WatchOptions& options_;
  const CheckSubjects& subjects_;
  const Time begin_;
  std::vector<Probe> probes_;
};

}  // namespace

WatchReport watch(const WatchOptions& options, const CheckSubjects& subjects) {
  return Watch(options, subjects).run();
}

Baseline baseline_of(const WatchReport& report) {
  Baseline baseline;
  for (const ProbeReport& probe : report.probes) {
    if (probe.runs == 0 || probe.kind == "log") continue;
    const double share = static_cast<double>(probe.failures) / static_cast<double>(probe.runs);
    baseline[probe.name] = {probe.runs, share, probe.median_s};
  }
  return baseline;
}

}  // namespace salvor::checks
