// decide() against the rules written down once more, in another way: each rule looks at all points
// for each point, the calendar is computed by hand, and explanations of wrong clocks are compared
// as a whole.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "service/retention.h"
#include "testing/seeded_rng.h"
#include "testing/time_zone.h"

namespace salvor::service {
namespace {

using History = std::vector<RetentionCandidate>;
using testing::SeededRng;

constexpr std::int64_t kHour_s = 3600;
constexpr std::int64_t kDay_s = 24 * kHour_s;
constexpr std::int64_t kBillion = 1'000'000'000;

std::int64_t seconds_of(const RetentionCandidate& point) {
  return point.time.ns / kBillion;
}

// ---- the calendar, by hand -------------------------------------------------------------------

struct Date {
  std::int64_t year;
  std::int64_t month;
};

/// Of a day since 1970-01-01, by counting years and months.
Date date_of(std::int64_t day) {
  const auto is_leap = [](std::int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  };
  std::int64_t year = 1970;
  while (day >= 365 + is_leap(year)) day -= 365 + is_leap(year++);
  const std::int64_t february = 28 + is_leap(year);
  std::int64_t month = 1;
  for (const std::int64_t days :
       {std::int64_t{31}, february, std::int64_t{31}, std::int64_t{30}, std::int64_t{31},
        std::int64_t{30}, std::int64_t{31}, std::int64_t{31}, std::int64_t{30}, std::int64_t{31},
        std::int64_t{30}}) {
    if (day < days) break;
    day -= days;
    ++month;
  }
  return {year, month};
}

/// The last Sunday of that month of that year, which has 31 days, as a day since 1970.
std::int64_t last_sunday(std::int64_t year, std::int64_t month) {
  std::int64_t day = (year - 1970) * 365;
  while (date_of(day).year < year || date_of(day).month <= month) ++day;
  --day;
  while ((day + 4) % 7 != 0) --day;
  return day;
}

/// Of Central Europe: summer time from the last Sunday of March to that of October, at 01:00 UTC.
std::int64_t offset_s(std::int64_t second, TimeZone zone) {
  if (zone == TimeZone::utc) return 0;
  static std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> summers;
  const std::int64_t year = date_of(second / kDay_s).year;
  if (!summers.contains(year)) {
    summers[year] = {last_sunday(year, 3) * kDay_s + kHour_s,
                     last_sunday(year, 10) * kDay_s + kHour_s};
  }
  const auto [begin, end] = summers[year];
  return second >= begin && second < end ? 2 * kHour_s : kHour_s;
}

/// A number for the period, different for different ones. Rules are 'h', 'd', 'w', 'm', 'y'.
std::int64_t period_number(const RetentionCandidate& point, char rule, TimeZone zone) {
  const std::int64_t second = seconds_of(point);
  const std::int64_t local = second + offset_s(second, zone);
  const std::int64_t day = local / kDay_s;
  switch (rule) {
    case 'h':
      return second / kHour_s;  // these zones are whole hours away from UTC
    case 'd':
      return day;
    case 'w':
      return (day + 3) / 7;  // 1970-01-01 was a Thursday
    case 'm':
      return date_of(day).year * 12 + date_of(day).month;
    default:
      return date_of(day).year;
  }
}

// ---- the rules, once more --------------------------------------------------------------------

class PlainRules {
 public:
  PlainRules(const Retention& policy, const History& points, TimeZone zone)
      : policy_(policy), points_(points), zone_(zone), kept_(points.size(), false) {
    for (std::size_t i = 0; i < points_.size(); ++i) {
      if (points_[i].held || is_proven_most_recently(i)) kept_[i] = true;
    }
    for (std::size_t i = 0; i < points_.size(); ++i) {
      if (points_[i].kind == PointKind::good) good_[key(i)].push_back(i);
      members_[key(i)].push_back(i);
    }
    for (const auto& [host, members] : members_) decide_host(good_[host], members);
  }

  const std::vector<bool>& kept() const { return kept_; }
  const std::set<std::size_t>& disbelieved() const { return disbelieved_; }

 private:
  using Key = std::pair<std::string, bool>;
  using Indexes = std::vector<std::size_t>;

  Key key(std::size_t i) const { return {points_[i].host, points_[i].granted}; }

  bool is_proven_most_recently(std::size_t i) const {
    return points_[i].proven &&
           std::none_of(points_.begin(), points_.end(), [&](const RetentionCandidate& other) {
             return other.proven > points_[i].proven;
           });
  }

  /// The best explanation that ends with each point, as a list of points, the newest first.
  std::set<std::size_t> believed(const Indexes& good) const {
    std::vector<std::pair<int, Indexes>> ends;
    std::pair<int, Indexes> best{0, {}};
    for (const std::size_t i : good) {
      std::pair<int, Indexes> end{0, {}};
      for (const auto& [worth, row] : ends) {
        const bool set_back = points_[row.front()].time > points_[i].time;
        end = std::max(end, {worth - (set_back ? 5 : 0), row});
      }
      end.first += 2;
      end.second.insert(end.second.begin(), i);
      best = std::max(best, end);
      ends.push_back(end);
    }
    return {best.second.begin(), best.second.end()};
  }

  void decide_host(const Indexes& good, const Indexes& members) {
    const std::set<std::size_t> in_order = believed(good);
    for (const std::size_t i : good) {
      if (!in_order.contains(i)) disbelieved_.insert(i);
    }
    unconfirmed_ = unconfirmed_of(in_order);
    const bool any_log = std::any_of(in_order.begin(), in_order.end(),
                                     [&](std::size_t i) { return points_[i].has_log; });
    const bool has_window = policy_.window_s && any_log;
    const std::vector<std::pair<char, int>> rules{{'h', policy_.hourly},
                                                  {'d', policy_.daily},
                                                  {'w', policy_.weekly},
                                                  {'m', policy_.monthly},
                                                  {'y', policy_.yearly}};
    if (policy_.last == 0 && !policy_.within_s && !has_window &&
        std::all_of(rules.begin(), rules.end(),
                    [](const auto& rule) { return rule.second == 0; })) {
      for (const std::size_t i : members) kept_[i] = true;
      return;
    }
    for (const std::size_t i : good) {
      const std::size_t newer = newer_than(good, i);
      bool sound_is_newer = false;
      for (const std::size_t other : good) {
        sound_is_newer = sound_is_newer || (other > i && !points_[other].damaged);
      }
      if (newer == 0 || (!points_[i].damaged && !sound_is_newer)) kept_[i] = true;
      if (newer < count(policy_.last)) kept_[i] = true;
      if (!in_order.contains(i) && newer < std::max<std::size_t>(count(policy_.last), 3)) {
        kept_[i] = true;
      }
      if (policy_.within_s && is_within(i, in_order)) kept_[i] = true;
      if (has_window && is_in_window(i, in_order)) kept_[i] = true;
    }
    for (const auto& [rule, most] : rules) {
      if (most > 0) keep_periods(rule, count(most), in_order);
    }
    add_evidence(good, in_order);
    for (const std::size_t i : members) {
      if (points_[i].kind == PointKind::good) continue;
      const auto next = std::lower_bound(good.begin(), good.end(), i);
      const bool goes_with = points_[i].kind != PointKind::suspect && next != good.begin();
      if (goes_with ? kept_[*(next - 1)]
                    : newer_than(good, i) < std::max<std::size_t>(count(policy_.last), 1)) {
        kept_[i] = true;
      }
    }
  }

  /// The newest one or two after a gap of more than 31 days.
  std::set<std::size_t> unconfirmed_of(const std::set<std::size_t>& in_order) const {
    std::set<std::size_t> unconfirmed;
    const Indexes row(in_order.begin(), in_order.end());
    for (const std::size_t newest : {std::size_t{1}, std::size_t{2}}) {
      if (row.size() <= newest || !unconfirmed.empty()) continue;
      const std::int64_t gap =
          points_[row[row.size() - newest]].time.ns - points_[row[row.size() - newest - 1]].time.ns;
      if (gap <= 31 * kDay_s * kBillion) continue;
      unconfirmed.insert(row.end() - static_cast<std::ptrdiff_t>(newest), row.end());
    }
    return unconfirmed;
  }

  static std::size_t count(int number) { return static_cast<std::size_t>(number); }

  static std::size_t newer_than(const Indexes& good, std::size_t i) {
    return count(static_cast<int>(
        std::count_if(good.begin(), good.end(), [&](std::size_t other) { return other > i; })));
  }

  bool is_within(std::size_t i, const std::set<std::size_t>& in_order) const {
    const auto after = in_order.upper_bound(i);
    if (after == in_order.begin()) return false;
    std::int64_t newest = 0;
    for (const std::size_t other : in_order) {
      if (!unconfirmed_.contains(other)) newest = points_[other].time.ns;
    }
    return points_[*std::prev(after)].time.ns + *policy_.within_s * kBillion >= newest;
  }

  /// No base between it and the end of the history is old enough to begin the window.
  bool is_in_window(std::size_t i, const std::set<std::size_t>& in_order) const {
    if (!points_[i].has_log) return false;
    std::optional<std::int64_t> newest;
    for (const bool also_unconfirmed : {false, true}) {
      if (newest) continue;
      for (const std::size_t other : in_order) {
        const bool counts = also_unconfirmed || !unconfirmed_.contains(other);
        if (points_[other].has_log && counts) newest = points_[other].time.ns;
      }
    }
    const auto is_base = [&](std::size_t other) {
      return points_[other].has_log &&
             points_[other].time.ns + *policy_.window_s * kBillion <= *newest;
    };
    const bool any_sound = std::any_of(in_order.begin(), in_order.end(), [&](std::size_t other) {
      return is_base(other) && !points_[other].damaged;
    });
    return std::none_of(in_order.begin(), in_order.end(), [&](std::size_t other) {
      return other > i && is_base(other) && !(any_sound && points_[other].damaged);
    });
  }

  void keep_periods(char rule, std::size_t most, std::set<std::size_t> in_order) {
    const auto period = [&](std::size_t i) { return period_number(points_[i], rule, zone_); };
    for (const std::size_t i : unconfirmed_) {
      in_order.erase(i);
      const std::size_t newest = *unconfirmed_.rbegin();
      if (i == newest || period(i) != period(newest)) kept_[i] = true;
    }
    std::vector<std::int64_t> periods;  // those that count
    for (auto i = in_order.rbegin(); i != in_order.rend(); ++i) {
      const bool known = std::find(periods.begin(), periods.end(), period(*i)) != periods.end();
      if (!known && periods.size() < most) periods.push_back(period(*i));
    }
    for (const std::size_t i : in_order) {
      if (std::find(periods.begin(), periods.end(), period(i)) == periods.end()) continue;
      // The newer points of its period, without another period that counts in between.
      bool is_newest = true;
      bool is_newest_sound = !points_[i].damaged;
      for (auto other = in_order.upper_bound(i); other != in_order.end(); ++other) {
        if (std::find(periods.begin(), periods.end(), period(*other)) == periods.end()) continue;
        if (period(*other) != period(i)) break;
        is_newest = false;
        is_newest_sound = is_newest_sound && points_[*other].damaged;
      }
      if (is_newest || is_newest_sound) kept_[i] = true;
    }
    if (!in_order.empty() && periods.size() < most) kept_[*in_order.begin()] = true;
  }

  void add_evidence(const Indexes& good, const std::set<std::size_t>& in_order) {
    while (true) {
      Indexes left;
      for (const std::size_t i : good) {
        if (kept_[i]) left.push_back(i);
      }
      const std::set<std::size_t> now = believed(left);
      std::set<std::size_t> missing;
      for (const std::size_t i : in_order) {
        if (!kept_[i]) missing.insert(i);
      }
      Indexes found;
      for (const std::size_t i : left) {
        if (now.contains(i) == in_order.contains(i)) continue;
        const auto next = missing.upper_bound(i);
        if (next != missing.end()) found.push_back(*next);
        if (next != missing.begin()) found.push_back(*std::prev(next));
      }
      std::set<std::size_t> kept_in_order = in_order;
      for (const std::size_t i : missing) kept_in_order.erase(i);
      if (unconfirmed_.empty() && !unconfirmed_of(kept_in_order).empty()) {
        for (std::size_t n = 1; n <= std::min<std::size_t>(3, in_order.size()); ++n) {
          const std::size_t i = *std::prev(in_order.end(), static_cast<std::ptrdiff_t>(n));
          if (!kept_[i]) found.push_back(i);
        }
      }
      if (found.empty()) return;
      for (const std::size_t i : found) kept_[i] = true;
    }
  }

  const Retention& policy_;
  const History& points_;
  TimeZone zone_;
  std::vector<bool> kept_;
  std::set<std::size_t> disbelieved_;
  std::set<std::size_t> unconfirmed_;  ///< of the host under way
  std::map<Key, Indexes> good_;
  std::map<Key, Indexes> members_;
};

// ---- random histories ------------------------------------------------------------------------

/// True once in so many times.
bool once_in(SeededRng& rng, std::uint64_t times) {
  return rng.below(times) == 0;
}

History random_history(SeededRng& rng, bool wrong_clocks) {
  History points(rng.below(45));
  std::int64_t now = 1'760'000'000 + static_cast<std::int64_t>(rng.below(400)) * kDay_s;
  std::int64_t error = 0;
  const std::uint64_t hosts = 1 + rng.below(3);
  const std::int64_t step = once_in(rng, 3) ? kDay_s : once_in(rng, 2) ? 3 * kHour_s : kHour_s / 2;
  std::uint64_t marks = 0;
  for (RetentionCandidate& point : points) {
    point.id = std::to_string(&point - points.data());
    point.host = "web-" + std::to_string(rng.below(hosts));
    now += step + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(step)));
    if (once_in(rng, 12)) now += static_cast<std::int64_t>(rng.below(60)) * kDay_s;
    if (wrong_clocks && once_in(rng, 6)) {
      const std::int64_t errors[] = {0, 0, 2 * 365 * kDay_s, -2 * 365 * kDay_s, -kDay_s, kDay_s};
      error = errors[rng.below(6)];
    }
    point.time.ns = (now + error) * kBillion;
    if (wrong_clocks && once_in(rng, 20)) point.time = points.front().time;
    const std::uint64_t kind = rng.below(10);
    if (kind == 0) point.kind = PointKind::partial;
    if (kind == 1) point.kind = PointKind::suspect;
    if (kind == 2) point.kind = PointKind::safety;
    point.damaged = once_in(rng, 8);
    point.held = once_in(rng, 15);
    point.granted = once_in(rng, 10);
    point.has_log = !once_in(rng, 4);
    if (once_in(rng, 10)) point.proven = 100 * rng.below(50) + marks++;
  }
  return points;
}

Retention random_policy(SeededRng& rng) {
  Retention policy;
  const auto number = [&] { return once_in(rng, 2) ? 0 : static_cast<int>(1 + rng.below(6)); };
  policy.last = number();
  policy.hourly = number();
  policy.daily = number();
  policy.weekly = number();
  policy.monthly = number();
  policy.yearly = number();
  const auto span = [&] { return static_cast<std::int64_t>(rng.below(40)) * kDay_s / 4; };
  if (once_in(rng, 4)) policy.within_s = span();
  if (once_in(rng, 4)) policy.window_s = span();
  if (once_in(rng, 5)) policy = {.last = policy.last, .yearly = policy.yearly};
  return policy;
}

std::string text_of(const Retention& policy, const History& points) {
  std::string text =
      fmt::format("last {} hourly {} daily {} weekly {} monthly {} yearly {} within {} window {}",
                  policy.last, policy.hourly, policy.daily, policy.weekly, policy.monthly,
                  policy.yearly, policy.within_s.value_or(-1), policy.window_s.value_or(-1));
  for (const RetentionCandidate& point : points) {
    text += fmt::format("\n{} {} {} kind {}{}{}{}{}", point.id, point.host, format_time(point.time),
                        static_cast<int>(point.kind), point.damaged ? " damaged" : "",
                        point.held ? " held" : "", point.granted ? " granted" : "",
                        point.has_log ? " log" : "");
    if (point.proven) text += fmt::format(" proven {}", *point.proven);
  }
  return text;
}

History kept_of(const History& points, const RetentionDecision& decision) {
  History kept;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (decision.verdicts[i].keep) kept.push_back(points[i]);
  }
  return kept;
}

class RetentionPropertyTest : public ::testing::Test {
 protected:
  static constexpr int kRounds = 5000;
  SeededRng rng_{testing::test_seed()};
  testing::InTimeZone zone_{testing::InTimeZone::kCentralEurope};
};

TEST_F(RetentionPropertyTest, IsAsThePlainRulesSay) {
  int disbelieved = 0;
  for (int round = 0; round < kRounds; ++round) {
    const History points = random_history(rng_, !once_in(rng_, 4));
    const Retention policy = random_policy(rng_);
    const TimeZone zone = once_in(rng_, 2) ? TimeZone::utc : TimeZone::local;
    const RetentionDecision decision = decide(policy, points, zone);
    const PlainRules plain(policy, points, zone);
    disbelieved += plain.disbelieved().empty() ? 0 : 1;
    ASSERT_EQ(decision.verdicts.size(), points.size());
    for (std::size_t i = 0; i < points.size(); ++i) {
      ASSERT_EQ(decision.verdicts[i].keep, plain.kept()[i])
          << "round " << round << " point " << i << " " << decision.verdicts[i].why << "\n"
          << text_of(policy, points);
      ASSERT_FALSE(decision.verdicts[i].why.empty());
    }
  }
  EXPECT_GT(disbelieved, kRounds / 4);
}

TEST_F(RetentionPropertyTest, DecidingAgainForgetsNothingMore) {
  for (int round = 0; round < kRounds; ++round) {
    const History points = random_history(rng_, true);
    const Retention policy = random_policy(rng_);
    const History kept = kept_of(points, decide(policy, points, TimeZone::local));
    const RetentionDecision again = decide(policy, kept, TimeZone::local);
    EXPECT_FALSE(again.share_lost);
    for (std::size_t i = 0; i < kept.size(); ++i) {
      ASSERT_TRUE(again.verdicts[i].keep) << "round " << round << " point " << kept[i].id << "\n"
                                          << text_of(policy, points);
    }
  }
}

TEST_F(RetentionPropertyTest, SomePointsAreKeptWhateverThePolicy) {
  for (int round = 0; round < kRounds; ++round) {
    const History points = random_history(rng_, true);
    const RetentionDecision decision = decide(random_policy(rng_), points, TimeZone::utc);
    std::map<std::string, std::size_t> last_good;
    std::map<std::string, std::size_t> last_of_full;
    std::map<std::string, std::size_t> last_sound;
    std::size_t proven = points.size();
    for (std::size_t i = 0; i < points.size(); ++i) {
      const RetentionCandidate& point = points[i];
      ASSERT_TRUE(!point.held || decision.verdicts[i].keep) << "held " << i;
      if (point.proven && (proven == points.size() || *point.proven > *points[proven].proven)) {
        proven = i;
      }
      if (point.kind != PointKind::good) continue;
      last_good[point.host] = i;
      if (!point.granted) last_of_full[point.host] = i;
      if (!point.granted && !point.damaged) last_sound[point.host] = i;
    }
    ASSERT_TRUE(proven == points.size() || decision.verdicts[proven].keep) << "proven " << proven;
    for (const auto& last : {last_good, last_of_full, last_sound}) {
      for (const auto& [host, i] : last) ASSERT_TRUE(decision.verdicts[i].keep) << host << " " << i;
    }
  }
}

/// With right clocks, without any part of what is forgotten, what was kept is kept. Nothing else,
/// where the newest three points stay: without them, others may look unconfirmed. What is not good
/// goes with the good point before it.
TEST_F(RetentionPropertyTest, WhatIsForgottenDecidesNothing) {
  for (int round = 0; round < kRounds; ++round) {
    const History points = random_history(rng_, false);
    const Retention policy = random_policy(rng_);
    const RetentionDecision decision = decide(policy, points, TimeZone::local);
    History rest;
    std::vector<bool> expected;
    std::set<std::pair<std::string, bool>> without;  // hosts whose newest good point was left out
    for (std::size_t i = 0; i < points.size(); ++i) {
      const std::pair<std::string, bool> host{points[i].host, points[i].granted};
      const bool is_good = points[i].kind == PointKind::good;
      const bool follows = !is_good && without.contains(host);
      const bool leave_out = !decision.verdicts[i].keep && (follows || once_in(rng_, 2));
      if (is_good) without.erase(host);
      if (is_good && leave_out) without.insert(host);
      if (leave_out) continue;
      rest.push_back(points[i]);
      expected.push_back(decision.verdicts[i].keep);
    }
    const RetentionDecision again = decide(policy, rest, TimeZone::local);
    for (std::size_t i = 0; i < rest.size(); ++i) {
      if (!expected[i] && policy.last < 3) continue;
      ASSERT_EQ(again.verdicts[i].keep, expected[i])
          << "round " << round << " point " << rest[i].id << "\n"
          << text_of(policy, points);
    }
  }
}

/// Night after night, with a point or more between, a history does not grow beyond its policy.
TEST_F(RetentionPropertyTest, AHistoryStaysAsLongAsItsPolicySays) {
  const Retention policy{.last = 3, .daily = 7, .weekly = 4, .monthly = 6, .yearly = 2};
  History points;
  std::int64_t now = 1'760'000'000;
  for (int night = 0; night < 800; ++night) {
    for (int i = 0; i < 4; ++i) {
      RetentionCandidate point;
      now += kDay_s / 4;
      point.id = std::to_string(now);
      point.host = "web-1";
      point.time.ns = now * kBillion;
      if (once_in(rng_, 40)) point.time.ns += 700 * kDay_s * kBillion;
      points.push_back(point);
    }
    points = kept_of(points, decide(policy, points, TimeZone::local));
    ASSERT_LE(points.size(), 3U + 7 + 4 + 6 + 2 + 12) << "night " << night;
  }
  const RetentionDecision decision = decide(policy, points, TimeZone::local);
  const auto has = [&](std::string_view what) {
    return std::any_of(decision.verdicts.begin(), decision.verdicts.end(),
                       [&](const RetentionVerdict& verdict) {
                         return verdict.why.find(what) != std::string::npos;
                       });
  };
  EXPECT_TRUE(has("daily 7 of 7"));
  EXPECT_TRUE(has("weekly 4 of 4"));
  EXPECT_TRUE(has("monthly 6 of 6"));
  EXPECT_TRUE(has("yearly 2 of 2")) << text_of(policy, points);
}

}  // namespace
}  // namespace salvor::service
