#include "service/retention.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

#include "service/internal/civil_time.h"
#include "service/internal/clock_order.h"

namespace salvor::service {
namespace {

/// One of the rules that keep the newest point of each period.
struct PeriodRule {
  std::string_view name;
  int Retention::*count;
  const char* label;  ///< of strftime: the same for all moments of a period, and for no others
};

/// An hour that comes twice in autumn differs by its offset.
constexpr std::array<PeriodRule, 5> kPeriodRules{{
    {"hourly", &Retention::hourly, "%Y-%m-%d %H:00 %z"},
    {"daily", &Retention::daily, "%Y-%m-%d"},
    {"weekly", &Retention::weekly, "%G-W%V"},
    {"monthly", &Retention::monthly, "%Y-%m"},
    {"yearly", &Retention::yearly, "%Y"},
}};

std::string period_of(Time time, TimeZone zone, const PeriodRule& rule) {
  const std::tm fields = civil_time(time, zone);
  std::array<char, 64> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), rule.label, &fields);
  return {text.data(), size};
}

/// So many seconds earlier, or the earliest time that there is.
Time seconds_before(Time time, std::int64_t seconds) {
  constexpr std::int64_t kNsOfSecond = 1'000'000'000;
  constexpr std::int64_t kEarliest = std::numeric_limits<std::int64_t>::min();
  if (seconds > std::numeric_limits<std::int64_t>::max() / kNsOfSecond) return {kEarliest};
  const std::int64_t ns = seconds * kNsOfSecond;
  return {time.ns < kEarliest + ns ? kEarliest : time.ns - ns};
}

/// As it is written in the configuration: "30d", "36h".
std::string duration_text(std::int64_t seconds) {
  constexpr std::array<std::pair<std::int64_t, char>, 3> kUnits{
      {{86400, 'd'}, {3600, 'h'}, {60, 'm'}}};
  for (const auto& [unit, letter] : kUnits) {
    if (seconds % unit == 0) return fmt::format("{}{}", seconds / unit, letter);
  }
  return fmt::format("{}s", seconds);
}

std::string until_newer(std::size_t count) {
  return count == 1 ? std::string("kept until a newer good point exists")
                    : fmt::format("kept until {} newer good points exist", count);
}

/// Why each point is kept. One without a reason is forgotten.
using Reasons = std::vector<std::string>;

void add_reason(std::string& why, std::string_view reason) {
  if (!why.empty()) why += "; ";
  why += reason;
}

/// The points of one host that keys of one kind have written, and the rules for them. All indexes
/// of points are those of the candidates.
///
/// What is kept must not depend on what is forgotten, so that the next decision is the same: each
/// rule looks from the newest point to the oldest one, and remembers only what it has kept.
class HostPoints {
 public:
  HostPoints(const Retention& policy, std::span<const RetentionCandidate> points, TimeZone zone,
             Reasons& reasons)
      : policy_(policy), points_(points), zone_(zone), reasons_(reasons) {}

  void add(std::size_t point) {
    members_.push_back(point);
    if (points_[point].kind == PointKind::good) good_.push_back(point);
  }

  void decide() {
    std::vector<Time> times;
    for (const std::size_t point : good_) times.push_back(points_[point].time);
    believed_ = believed_times(times);
    confirmed_ = count_confirmed(false);
    if (has_rule()) {
      keep_last();
      for (const PeriodRule& rule : kPeriodRules) keep_periods(rule);
      keep_within();
      keep_window();
      keep_out_of_order();
    } else {
      for (const std::size_t point : members_) keep(point, "no rule: everything is kept");
    }
    keep_last_good();
    keep_evidence();
    keep_others();
  }

  /// Of a point that no rule keeps.
  std::string why_forgotten(std::size_t point) const {
    const RetentionCandidate& candidate = points_[point];
    if (candidate.kind == PointKind::suspect) return "suspect, and newer good points exist";
    if (candidate.kind != PointKind::good) {
      const std::optional<std::size_t> before = good_before(point);
      const std::string_view kind = word_of(candidate.kind);
      return before ? fmt::format("{}, and the good point before it goes: {}", kind,
                                  points_[*before].id)
                    : fmt::format("{}, and newer good points exist", kind);
    }
    return is_believed(point) ? "no rule keeps it"
                              : "its time is out of order, and newer good points exist";
  }

  bool share_lost() const {
    const auto lost = std::count_if(members_.begin(), members_.end(),
                                    [&](std::size_t point) { return !is_kept(point); });
    return 2 * static_cast<std::size_t>(lost) > members_.size() || 2 * span_s(true) < span_s(false);
  }

 private:
  bool is_kept(std::size_t point) const { return !reasons_[point].empty(); }
  void keep(std::size_t point, std::string_view reason) { add_reason(reasons_[point], reason); }

  static std::string_view word_of(PointKind kind) {
    if (kind == PointKind::suspect) return "suspect";
    return kind == PointKind::safety ? "a safety snapshot" : "partial";
  }

  /// A window is a rule only for points that have a log: for others it would keep nothing.
  bool has_rule() const {
    return policy_.last > 0 || policy_.within_s || newest_with_log() ||
           std::any_of(kPeriodRules.begin(), kPeriodRules.end(),
                       [&](const PeriodRule& rule) { return policy_.*rule.count > 0; });
  }

  std::optional<std::size_t> newest_with_log() const {
    if (!policy_.window_s) return std::nullopt;
    std::optional<std::size_t> newest;
    for (std::size_t i = good_.size(); i-- > 0;) {
      if (!believed_[i] || !points_[good_[i]].has_log) continue;
      if (i < confirmed_) return i;
      if (!newest) newest = i;
    }
    return newest;
  }

  /// How many of the good points are confirmed: all, but for those after an unusual gap
  /// (kUnusualGap_s), or what would be one if only what is kept were there.
  std::size_t count_confirmed(bool only_kept) const {
    std::size_t later = good_.size();
    std::size_t seen = 0;
    for (std::size_t i = good_.size(); i-- > 0 && seen < kAgreeingPoints;) {
      if (!believed_[i] || (only_kept && !is_kept(good_[i]))) continue;
      if (seen > 0 &&
          seconds_before(points_[good_[later]].time, kUnusualGap_s) > points_[good_[i]].time) {
        return later;
      }
      later = i;
      ++seen;
    }
    return good_.size();
  }

  std::size_t good_after(std::size_t point) const {
    return static_cast<std::size_t>(good_.end() -
                                    std::upper_bound(good_.begin(), good_.end(), point));
  }

  std::optional<std::size_t> good_before(std::size_t point) const {
    const auto next = std::lower_bound(good_.begin(), good_.end(), point);
    return next == good_.begin() ? std::nullopt : std::optional(*(next - 1));
  }

  bool is_believed(std::size_t point) const {
    const auto at = std::lower_bound(good_.begin(), good_.end(), point);
    return believed_[static_cast<std::size_t>(at - good_.begin())];
  }

  std::size_t last_at_least(std::size_t least) const {
    return std::max(least, static_cast<std::size_t>(std::max(policy_.last, 0)));
  }

  void keep_last() {
    const std::size_t count = std::min(good_.size(), last_at_least(0));
    for (std::size_t n = 1; n <= count; ++n) {
      keep(good_[good_.size() - n], fmt::format("last {} of {}", n, policy_.last));
    }
  }

  /// The newest point of each of so many periods that have points. A period that comes again,
  /// because the clock was set, keeps its newest point again, and counts once. A damaged point
  /// does not make the newest sound one of its period superfluous.
  void keep_periods(const PeriodRule& rule) {
    const int count = policy_.*rule.count;
    if (count <= 0) return;
    std::map<std::string, std::size_t> numbers;
    std::string last;
    bool last_is_damaged = false;
    std::optional<std::size_t> oldest;
    std::optional<std::size_t> oldest_kept;
    keep_unconfirmed(rule);
    for (std::size_t i = confirmed_; i-- > 0;) {
      if (!believed_[i]) continue;
      oldest = good_[i];
      const bool damaged = points_[good_[i]].damaged;
      std::string period = period_of(points_[good_[i]].time, zone_, rule);
      const bool replaces = period == last && last_is_damaged && !damaged;
      if (period == last && !replaces) continue;
      if (!numbers.contains(period)) {
        if (numbers.size() == static_cast<std::size_t>(count)) continue;
        numbers.emplace(period, numbers.size() + 1);
      }
      keep(good_[i], fmt::format("{} {} of {}: {}{}", rule.name, numbers[period], count, period,
                                 replaces ? ", undamaged" : ""));
      last = std::move(period);
      last_is_damaged = damaged;
      oldest_kept = good_[i];
    }
    if (oldest && oldest != oldest_kept && numbers.size() < static_cast<std::size_t>(count)) {
      keep(*oldest, fmt::format("oldest: {} has {} of {}", rule.name, numbers.size(), count));
    }
  }

  /// Those fill buckets, too, but take none from other points.
  void keep_unconfirmed(const PeriodRule& rule) {
    std::string last;
    for (std::size_t i = good_.size(); i-- > confirmed_;) {
      if (!believed_[i]) continue;
      std::string period = period_of(points_[good_[i]].time, zone_, rule);
      if (period == last) continue;
      keep(good_[i], fmt::format("{}, not counted yet: {}", rule.name, period));
      last = std::move(period);
    }
  }

  /// A point whose time is out of order was taken after the one before it whose time is not.
  void keep_within() {
    if (!policy_.within_s) return;
    std::size_t at = confirmed_;
    do {
      if (at == 0) return;
      --at;
    } while (!believed_[at]);
    const Time start = seconds_before(points_[good_[at]].time, *policy_.within_s);
    const std::string why =
        fmt::format("within {} of the newest point", duration_text(*policy_.within_s));
    bool within = false;
    for (std::size_t i = 0; i < good_.size(); ++i) {
      if (believed_[i]) within = points_[good_[i]].time >= start;
      if (within) keep(good_[i], why);
    }
  }

  /// The newest sound base that is as old as the window, and all that follow it. Where there is no
  /// such base, all of them.
  void keep_window() {
    const std::optional<std::size_t> newest = newest_with_log();
    if (!newest) return;
    const Time start = seconds_before(points_[good_[*newest]].time, *policy_.window_s);
    std::optional<std::size_t> base;
    for (std::size_t i = good_.size(); i-- > 0;) {
      const RetentionCandidate& candidate = points_[good_[i]];
      if (!believed_[i] || !candidate.has_log || candidate.time > start) continue;
      if (!base) base = i;
      if (candidate.damaged) continue;
      base = i;
      break;
    }
    const std::string window = duration_text(*policy_.window_s);
    for (std::size_t i = base.value_or(0); i < good_.size(); ++i) {
      if (!points_[good_[i]].has_log) continue;
      keep(good_[i], i == base ? fmt::format("start of the window of {}", window)
                               : fmt::format("in the window of {}", window));
    }
  }

  void keep_out_of_order() {
    const std::size_t passed = last_at_least(kAgreeingPoints);
    for (std::size_t i = 0; i < good_.size(); ++i) {
      if (believed_[i] || good_after(good_[i]) >= passed) continue;
      keep(good_[i], "its time is out of order: " + until_newer(passed));
    }
  }

  void keep_last_good() {
    if (good_.empty()) return;
    const std::string& host = points_[good_.back()].host;
    keep(good_.back(), fmt::format("last good point of host {}", host));
    const auto sound = std::find_if(good_.rbegin(), good_.rend(),
                                    [&](std::size_t point) { return !points_[point].damaged; });
    if (sound == good_.rend() || sound == good_.rbegin()) return;
    keep(*sound, fmt::format("last undamaged good point of host {}", host));
  }

  /// Judged by what is kept alone, each clock must look as it does now, or the next decision would
  /// be another one: forget what was kept, because what showed its time to be right has gone.
  /// The neighbours of each point that would look different are kept, until none does. This ends:
  /// with all believed points kept, nothing looks different (internal/clock_order.h).
  void keep_evidence() {
    while (true) {
      std::vector<std::size_t> kept;
      std::vector<Time> times;
      for (std::size_t i = 0; i < good_.size(); ++i) {
        if (!is_kept(good_[i])) continue;
        kept.push_back(i);
        times.push_back(points_[good_[i]].time);
      }
      const std::vector<bool> judged = believed_times(times);
      std::vector<std::size_t> evidence;
      for (std::size_t k = 0; k < kept.size(); ++k) {
        if (judged[k] != believed_[kept[k]]) add_neighbours(kept[k], evidence);
      }
      if (confirmed_ == good_.size() && count_confirmed(true) < good_.size()) {
        add_newest(evidence);
      }
      if (evidence.empty()) return;
      std::sort(evidence.begin(), evidence.end());
      evidence.erase(std::unique(evidence.begin(), evidence.end()), evidence.end());
      for (const std::size_t i : evidence) {
        keep(good_[i], "shows which times are right");
      }
    }
  }

  /// The nearest believed points before and after it that are not kept.
  void add_neighbours(std::size_t at, std::vector<std::size_t>& evidence) const {
    const auto is_evidence = [&](std::size_t i) { return believed_[i] && !is_kept(good_[i]); };
    for (std::size_t i = at; i-- > 0;) {
      if (!is_evidence(i)) continue;
      evidence.push_back(i);
      break;
    }
    for (std::size_t i = at + 1; i < good_.size(); ++i) {
      if (!is_evidence(i)) continue;
      evidence.push_back(i);
      break;
    }
  }

  /// Those that confirm the newest point, as far as they are not kept.
  void add_newest(std::vector<std::size_t>& evidence) const {
    std::size_t seen = 0;
    for (std::size_t i = good_.size(); i-- > 0 && seen < kAgreeingPoints;) {
      if (!believed_[i]) continue;
      ++seen;
      if (!is_kept(good_[i])) evidence.push_back(i);
    }
  }

  void keep_others() {
    for (const std::size_t point : members_) {
      const PointKind kind = points_[point].kind;
      if (kind == PointKind::good) continue;
      const std::optional<std::size_t> before = good_before(point);
      if (kind != PointKind::suspect && before) {
        if (!is_kept(*before)) continue;
        keep(point, fmt::format("{}, as long as the good point before it: {}", word_of(kind),
                                points_[*before].id));
      } else if (good_after(point) < last_at_least(1)) {
        keep(point, fmt::format("{}: {}", word_of(kind), until_newer(last_at_least(1))));
      }
    }
  }

  /// Units: seconds between the earliest and the latest believed time of a good point.
  double span_s(bool only_kept) const {
    std::optional<Time> first;
    std::optional<Time> last;
    for (std::size_t i = 0; i < good_.size(); ++i) {
      if (!believed_[i] || (only_kept && !is_kept(good_[i]))) continue;
      const Time time = points_[good_[i]].time;
      if (!first || time < *first) first = time;
      if (!last || time > *last) last = time;
    }
    return first ? static_cast<double>(last->ns) / 1e9 - static_cast<double>(first->ns) / 1e9 : 0;
  }

  const Retention& policy_;
  std::span<const RetentionCandidate> points_;
  TimeZone zone_;
  Reasons& reasons_;
  std::vector<std::size_t> members_;
  std::vector<std::size_t> good_;
  std::vector<bool> believed_;  ///< for each of good_
  std::size_t confirmed_ = 0;   ///< so many of good_, the oldest ones
};

void keep_held_and_proven(std::span<const RetentionCandidate> points, Reasons& reasons) {
  std::optional<std::size_t> proven;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].held) add_reason(reasons[i], "held");
    if (points[i].proven && (!proven || *points[i].proven >= *points[*proven].proven)) proven = i;
  }
  if (proven) add_reason(reasons[*proven], "proven most recently");
}

}  // namespace

RetentionDecision decide(const Retention& policy, std::span<const RetentionCandidate> points,
                         TimeZone zone) {
  Reasons reasons(points.size());
  std::map<std::pair<std::string, bool>, HostPoints> hosts;
  std::vector<HostPoints*> host_of;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto [at, is_new] =
        hosts.try_emplace({points[i].host, points[i].granted}, policy, points, zone, reasons);
    at->second.add(i);
    host_of.push_back(&at->second);
  }
  keep_held_and_proven(points, reasons);
  RetentionDecision decision;
  for (auto& [host, own] : hosts) {
    own.decide();
    decision.share_lost = decision.share_lost || own.share_lost();
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    const bool keep = !reasons[i].empty();
    decision.verdicts.push_back(
        {.keep = keep, .why = keep ? reasons[i] : host_of[i]->why_forgotten(i)});
  }
  return decision;
}

}  // namespace salvor::service
