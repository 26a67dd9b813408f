#include "service/retention.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <sstream>
#include <string_view>

#include "testing/time_zone.h"

namespace salvor::service {
namespace {

using Candidates = std::vector<RetentionCandidate>;
using testing::InTimeZone;

/// "NAME TIME [WORD...]": the words are partial, suspect, safety, damaged, held, granted, log,
/// proven=N and @HOST. A time without a zone is in UTC.
RetentionCandidate point_of(const std::string& line) {
  std::istringstream words(line);
  RetentionCandidate point;
  std::string word;
  words >> point.id >> word;
  point.host = "web-1";
  point.time = parse_time(word + "Z").value();
  while (words >> word) {
    if (word == "partial") point.kind = PointKind::partial;
    if (word == "suspect") point.kind = PointKind::suspect;
    if (word == "safety") point.kind = PointKind::safety;
    point.damaged = point.damaged || word == "damaged";
    point.held = point.held || word == "held";
    point.granted = point.granted || word == "granted";
    point.has_log = point.has_log || word == "log";
    if (word.starts_with("proven=")) point.proven = std::stoull(word.substr(7));
    if (word.front() == '@') point.host = word.substr(1);
  }
  return point;
}

Candidates points_of(const std::vector<std::string>& lines) {
  Candidates points;
  for (const std::string& line : lines) points.push_back(point_of(line));
  return points;
}

/// 1, 2, …, each so many hours after the one before.
Candidates series(int count, std::int64_t hours, const std::string& start) {
  Candidates points;
  for (int i = 0; i < count; ++i) {
    points.push_back(point_of(std::to_string(i + 1) + " " + start));
    points.back().time.ns += i * hours * 3'600'000'000'000;
  }
  return points;
}

/// The names of what is kept.
std::string kept(const Retention& policy, const Candidates& points, TimeZone zone = TimeZone::utc) {
  const RetentionDecision decision = decide(policy, points, zone);
  std::string names;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (decision.verdicts[i].keep) names += (names.empty() ? "" : " ") + points[i].id;
  }
  return names;
}

std::string kept(const Retention& policy, const std::vector<std::string>& lines) {
  return kept(policy, points_of(lines));
}

std::string why(const Retention& policy, const Candidates& points, std::string_view id) {
  const RetentionDecision decision = decide(policy, points, TimeZone::utc);
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].id != id) continue;
    return (decision.verdicts[i].keep ? "keep: " : "forget: ") + decision.verdicts[i].why;
  }
  return "no such point";
}

TEST(RetentionTest, LastCountsGoodPoints) {
  const Candidates points = series(5, 24, "2026-12-01T03:00");
  EXPECT_EQ(kept({.last = 2}, points), "4 5");
  EXPECT_EQ(kept({.last = 9}, points), "1 2 3 4 5");
  EXPECT_EQ(why({.last = 2}, points, "4"), "keep: last 2 of 2");
  EXPECT_EQ(why({.last = 2}, points, "5"), "keep: last 1 of 2; last good point of host web-1");
  EXPECT_EQ(why({.last = 2}, points, "3"), "forget: no rule keeps it");
  EXPECT_EQ(kept({.last = 2}, {"a 2026-12-01T01:00", "b 2026-12-01T02:00", "c 2026-12-01T03:00",
                               "s 2026-12-01T04:00 suspect", "p 2026-12-01T05:00 partial"}),
            "b c s p")
      << "many points that are not good push no good one out";
}

TEST(RetentionTest, APeriodKeepsItsNewestPoint) {
  const Candidates hourly = series(72, 1, "2026-12-01T00:30");
  EXPECT_EQ(kept({.hourly = 3}, hourly), "70 71 72");
  EXPECT_EQ(kept({.daily = 2}, hourly), "48 72");
}

TEST(RetentionTest, OnlyPeriodsWithPointsCount) {
  const Candidates sundays = series(12, 168, "2019-09-01T11:00");
  EXPECT_EQ(kept({.daily = 4}, sundays), "9 10 11 12");
  EXPECT_EQ(kept({.hourly = 4}, sundays), "9 10 11 12");
  EXPECT_EQ(kept({.monthly = 2}, sundays), "9 12");
}

TEST(RetentionTest, WhileARuleHasRoomTheOldestPointStays) {
  const Candidates hourly = series(50, 1, "2026-12-01T00:30");
  EXPECT_EQ(kept({.daily = 3}, hourly), "24 48 50") << "three of three";
  EXPECT_EQ(kept({.daily = 4}, hourly), "1 24 48 50");
  EXPECT_EQ(why({.daily = 4}, hourly, "1"), "keep: oldest: daily has 3 of 4");
  EXPECT_EQ(kept({.yearly = 3}, hourly), "1 50");
}

TEST(RetentionTest, WeeksAreThoseOfIso) {
  // 2026-12-28 is a Monday, and begins week 53 of 2026, which ends on Sunday, 2027-01-03.
  const std::vector<std::string> lines{"a 2026-12-27T12:00", "b 2026-12-28T12:00",
                                       "c 2027-01-01T12:00", "d 2027-01-03T23:59",
                                       "e 2027-01-04T00:00"};
  EXPECT_EQ(kept({.weekly = 3}, lines), "a d e");
  EXPECT_EQ(why({.weekly = 3}, points_of(lines), "d"), "keep: weekly 2 of 3: 2026-W53");
  EXPECT_EQ(kept({.yearly = 2}, lines), "b e") << "years are those of the calendar";
  EXPECT_EQ(kept({.monthly = 2}, lines), "b e");
}

TEST(RetentionTest, DaysBeginInTheZone) {
  const InTimeZone zone(InTimeZone::kCentralEurope);
  // Midnight there is 23:00Z in winter and 22:00Z in summer.
  const Candidates points =
      points_of({"a 2026-10-24T21:59", "b 2026-10-24T22:00", "c 2026-10-25T22:59",
                 "d 2026-10-25T23:00", "e 2026-10-26T22:59", "f 2026-10-26T23:00"});
  EXPECT_EQ(kept({.daily = 4}, points, TimeZone::local), "a c e f");
  EXPECT_EQ(kept({.daily = 3}, points, TimeZone::utc), "b d f");
}

TEST(RetentionTest, AnHourThatComesTwiceIsTwoHours) {
  const InTimeZone zone(InTimeZone::kCentralEurope);
  const Candidates points =
      points_of({"a 2026-10-25T00:10", "b 2026-10-25T00:50", "c 2026-10-25T01:10",
                 "d 2026-10-25T01:50", "e 2026-10-25T02:10"});
  EXPECT_EQ(kept({.hourly = 3}, points, TimeZone::local), "b d e");
  const RetentionDecision decision = decide({.hourly = 3}, points, TimeZone::local);
  EXPECT_EQ(decision.verdicts[1].why, "hourly 3 of 3: 2026-10-25 02:00 +0200");
  EXPECT_EQ(decision.verdicts[3].why, "hourly 2 of 3: 2026-10-25 02:00 +0100");
  // In spring 02:00 to 03:00 does not exist.
  EXPECT_EQ(
      kept({.hourly = 2}, points_of({"a 2026-03-29T00:50", "b 2026-03-29T01:10"}), TimeZone::local),
      "a b");
}

TEST(RetentionTest, WithinCountsFromTheNewestPoint) {
  const Candidates points = series(10, 24, "2020-01-01T03:00");
  EXPECT_EQ(kept({.within_s = 3 * 86400}, points), "7 8 9 10") << "exactly three days are within";
  EXPECT_EQ(kept({.within_s = 0}, points), "10");
  EXPECT_EQ(kept({.within_s = std::numeric_limits<std::int64_t>::max()}, points),
            "1 2 3 4 5 6 7 8 9 10");
  EXPECT_EQ(why({.within_s = 3 * 86400}, points, "7"), "keep: within 3d of the newest point");
  EXPECT_EQ(why({.within_s = 5400}, points, "10"),
            "keep: within 90m of the newest point; last good point of host web-1");
}

TEST(RetentionTest, HostsAreJudgedEachByItself) {
  const std::vector<std::string> lines{"a 2026-12-01T01:00 @web-1", "b 2026-12-01T02:00 @web-2",
                                       "c 2026-12-01T03:00 @web-2", "d 2026-12-01T04:00 @web-2",
                                       "e 2026-12-01T05:00 @web-1"};
  EXPECT_EQ(kept({.last = 1}, lines), "d e");
  EXPECT_EQ(kept({.last = 2}, lines), "a c d e");
}

TEST(RetentionTest, PointsOfAGrantedKeyDisplaceNoneOfAFullOne) {
  EXPECT_EQ(kept({.last = 1, .daily = 1},
                 {"a 2026-12-01T01:00", "b 2026-12-01T02:00", "t 2026-12-01T03:00 granted",
                  "u 2026-12-01T04:00 granted", "v 2026-12-01T05:00 granted"}),
            "b v");
}

TEST(RetentionTest, AClockAheadFillsNoBucket) {
  const std::vector<std::string> lines{"a 2026-12-01T03:00", "b 2026-12-02T03:00",
                                       "x 2028-12-03T03:00", "c 2026-12-04T03:00",
                                       "d 2026-12-05T03:00", "e 2026-12-06T03:00"};
  EXPECT_EQ(kept({.daily = 4}, lines), "b c d e");
  EXPECT_EQ(kept({.yearly = 1}, lines), "e");
  EXPECT_EQ(why({.daily = 4}, points_of(lines), "x"),
            "forget: its time is out of order, and newer good points exist");
  EXPECT_EQ(kept({.last = 4, .daily = 4}, lines), "b x c d e") << "until last has passed it";
  EXPECT_EQ(kept({.within_s = 2 * 86400}, lines), "c d e");
  EXPECT_EQ(kept({.within_s = 4 * 86400}, lines), "b x c d e") << "it was taken after b";
}

TEST(RetentionTest, AClockAheadIsKeptUntilThreePointsHaveFollowed) {
  std::vector<std::string> lines{"a 2026-12-01T03:00", "b 2026-12-02T03:00", "x 2028-12-03T03:00",
                                 "c 2026-12-04T03:00", "d 2026-12-05T03:00"};
  EXPECT_EQ(kept({.daily = 2}, lines), "x c d");
  EXPECT_EQ(why({.daily = 2}, points_of(lines), "x"),
            "keep: its time is out of order: kept until 3 newer good points exist");
}

TEST(RetentionTest, ANewestPointWithAClockAheadMakesNoOtherOld) {
  Candidates points = series(10, 24, "2026-12-01T03:00");
  points.push_back(point_of("x 2028-12-11T03:00"));
  EXPECT_EQ(kept({.within_s = 2 * 86400}, points), "8 9 10 x");
  EXPECT_EQ(kept({.daily = 3}, points), "8 9 10 x");
  EXPECT_EQ(why({.daily = 3}, points, "x"),
            "keep: daily, not counted yet: 2028-12-11; last good point of host web-1");
  points.push_back(point_of("y 2028-12-12T03:00"));
  EXPECT_EQ(kept({.within_s = 2 * 86400}, points), "8 9 10 x y");
  EXPECT_EQ(kept({.monthly = 1}, points), "10 y");
  // Three that agree: either the clock was set, or the host was off for two years.
  points.push_back(point_of("z 2028-12-13T03:00"));
  EXPECT_EQ(kept({.within_s = 2 * 86400}, points), "x y z");
  EXPECT_TRUE(decide({.within_s = 2 * 86400}, points, TimeZone::utc).share_lost);
  EXPECT_EQ(kept({.daily = 4}, points), "10 x y z");
}

TEST(RetentionTest, AClockBackFillsNoBucket) {
  const std::vector<std::string> lines{
      "y 2024-12-31T03:00", "a 2026-12-01T03:00", "b 2026-12-02T03:00", "x 2024-12-03T03:00",
      "c 2026-12-04T03:00", "d 2026-12-05T03:00", "e 2026-12-06T03:00"};
  EXPECT_EQ(kept({.yearly = 2}, lines), "y c d e") << "2024 has its own last point";
  EXPECT_EQ(why({.yearly = 2}, points_of(lines), "d"), "keep: shows which times are right")
      << "without it, a gap of two years would come before e";
  EXPECT_EQ(kept({.daily = 4}, lines), "b c d e");
}

TEST(RetentionTest, ANewestPointWithAClockBackMakesNoOtherOld) {
  Candidates points = series(10, 24, "2026-12-01T03:00");
  points.push_back(point_of("x 2024-12-11T03:00"));
  EXPECT_EQ(kept({.daily = 3}, points), "8 9 10 x");
  EXPECT_EQ(kept({.within_s = 2 * 86400}, points), "8 9 10 x");
  EXPECT_EQ(why({.daily = 3}, points, "x"),
            "keep: its time is out of order: kept until 3 newer good points exist; last good "
            "point of host web-1");
}

TEST(RetentionTest, ARepeatedTimeCountsOnce) {
  EXPECT_EQ(kept({.daily = 9, .yearly = 1}, {"a 2026-12-01T03:00", "b 2026-12-02T03:00",
                                             "c 2026-12-02T03:00", "d 2026-12-03T03:00"}),
            "a c d");
  // Set back by a day once: the second 2nd to 4th are as good as the first ones.
  EXPECT_EQ(kept({.daily = 9}, {"a 2026-12-01T03:00", "b 2026-12-02T03:00", "c 2026-12-03T03:00",
                                "d 2026-12-02T04:00", "e 2026-12-03T04:00", "f 2026-12-04T04:00"}),
            "a d e f");
}

TEST(RetentionTest, AClockThatWasSetIsBelieved) {
  // A week of a clock ahead: seven nights, one point of each.
  Candidates points = series(5, 24, "2026-12-01T03:00");
  for (RetentionCandidate& point : series(7, 24, "2028-12-06T03:00")) {
    point.id = "x" + point.id;
    points.push_back(point);
  }
  for (RetentionCandidate& point : series(3, 24, "2026-12-13T03:00")) {
    point.id = "z" + point.id;
    points.push_back(point);
  }
  EXPECT_EQ(kept({.daily = 11}, points), "5 x1 x2 x3 x4 x5 x6 x7 z1 z2 z3");
  EXPECT_EQ(kept({.monthly = 2}, points), "5 x5 x6 x7 z1 z2 z3");
  EXPECT_EQ(why({.monthly = 2}, points, "x7"), "keep: monthly 2 of 2: 2028-12");
  EXPECT_EQ(why({.monthly = 2}, points, "5"), "keep: monthly 1 of 2: 2026-12")
      << "it comes again, and counts once";
  EXPECT_EQ(why({.monthly = 2}, points, "x6"), "keep: shows which times are right");
}

TEST(RetentionTest, WhatShowsAWrongClockIsKept) {
  // Without 3, the next decision would find one point against two.
  Candidates points = series(4, 24, "2026-12-01T03:00");
  points.push_back(point_of("x 2024-12-05T03:00"));
  points.push_back(point_of("y 2024-12-06T03:00"));
  EXPECT_EQ(kept({.yearly = 1}, points), "2 3 4 x y");
  EXPECT_EQ(why({.yearly = 1}, points, "3"), "keep: shows which times are right");
  EXPECT_EQ(why({.yearly = 1}, points, "4"), "keep: yearly 1 of 1: 2026");
}

TEST(RetentionTest, APartialPointGoesWithTheGoodOneBeforeIt) {
  const std::vector<std::string> lines{"p 2026-12-01T00:00 partial", "a 2026-12-01T01:00",
                                       "q 2026-12-01T02:00 partial", "b 2026-12-02T01:00",
                                       "r 2026-12-02T02:00 partial", "c 2026-12-02T03:00"};
  EXPECT_EQ(kept({.daily = 2}, lines), "a q c");
  const Candidates points = points_of(lines);
  EXPECT_EQ(why({.daily = 2}, points, "q"),
            "keep: partial, as long as the good point before it: a");
  EXPECT_EQ(why({.daily = 2}, points, "r"),
            "forget: partial, and the good point before it goes: b");
  EXPECT_EQ(why({.last = 3}, points, "p"), "forget: partial, and newer good points exist");
  EXPECT_EQ(why({.last = 4}, points, "p"), "keep: partial: kept until 4 newer good points exist");
}

TEST(RetentionTest, ASuspectPointGoesWhenLastHasPassedIt) {
  const std::vector<std::string> lines{"a 2026-12-01T01:00", "s 2026-12-02T01:00 suspect",
                                       "b 2026-12-03T01:00", "t 2026-12-04T01:00 suspect"};
  EXPECT_EQ(kept({.daily = 9}, lines), "a b t");
  EXPECT_EQ(kept({.last = 1}, lines), "b t");
  EXPECT_EQ(kept({.last = 2}, lines), "a s b t");
  EXPECT_EQ(why({.last = 1}, points_of(lines), "s"),
            "forget: suspect, and newer good points exist");
  EXPECT_EQ(why({.last = 1}, points_of(lines), "t"),
            "keep: suspect: kept until a newer good point exists");
}

TEST(RetentionTest, ASafetySnapshotGoesLikeAPartialPoint) {
  const std::vector<std::string> lines{"a 2026-12-01T01:00", "s 2026-12-01T02:00 safety",
                                       "t 2026-12-01T03:00 safety held", "b 2026-12-01T04:00"};
  EXPECT_EQ(kept({.daily = 1}, lines), "t b");
  EXPECT_EQ(kept({.last = 2}, lines), "a s t b");
  EXPECT_EQ(why({.daily = 1}, points_of(lines), "t"), "keep: held");
  EXPECT_EQ(why({.daily = 1}, points_of(lines), "s"),
            "forget: a safety snapshot, and the good point before it goes: a");
}

TEST(RetentionTest, ADamagedPointDisplacesNoSoundOneOfItsPeriod) {
  const std::vector<std::string> lines{"a 2026-12-01T01:00", "b 2026-12-01T02:00",
                                       "c 2026-12-01T03:00 damaged", "d 2026-12-01T04:00 damaged",
                                       "e 2026-12-02T01:00"};
  EXPECT_EQ(kept({.daily = 2}, lines), "b d e");
  EXPECT_EQ(why({.daily = 2}, points_of(lines), "b"), "keep: daily 2 of 2: 2026-12-01, undamaged");
}

TEST(RetentionTest, SomePointsAreNeverForgotten) {
  const std::vector<std::string> lines{
      "a 2026-12-01T01:00 held",      "b 2026-12-02T01:00 proven=70",
      "c 2026-12-03T01:00 proven=90", "d 2026-12-04T01:00 proven=80",
      "e 2026-12-05T01:00",           "f 2026-12-06T01:00 damaged",
      "g 2026-12-07T01:00 damaged",   "h 2026-12-01T01:00 @web-2",
      "i 2026-12-08T01:00 suspect",   "j 2026-12-09T01:00 partial"};
  EXPECT_EQ(kept({.last = 1}, lines), "a c e g h i j");
  const Candidates points = points_of(lines);
  EXPECT_EQ(why({.last = 1}, points, "c"), "keep: proven most recently");
  EXPECT_EQ(why({.last = 1}, points, "e"), "keep: last undamaged good point of host web-1");
  EXPECT_EQ(why({.last = 1}, points, "h"), "keep: last 1 of 1; last good point of host web-2");
}

TEST(RetentionTest, AnEmptyPolicyForgetsNothing) {
  EXPECT_TRUE(decide({}, {}, TimeZone::utc).verdicts.empty());
  EXPECT_FALSE(decide({.last = 1}, {}, TimeZone::utc).share_lost);
  const Candidates points = series(9, 24, "2026-12-01T03:00");
  EXPECT_EQ(kept({}, points), "1 2 3 4 5 6 7 8 9");
  EXPECT_EQ(why({}, points, "1"), "keep: no rule: everything is kept");
  EXPECT_EQ(kept({.window_s = 86400}, points), "1 2 3 4 5 6 7 8 9")
      << "none of them has a log, and nothing else is asked for";
}

TEST(RetentionTest, AWindowBeginsAtTheBaseThatReachesItsStart) {
  Candidates points = series(10, 24, "2026-12-01T03:00");
  for (RetentionCandidate& point : points) point.has_log = true;
  EXPECT_EQ(kept({.window_s = 3 * 86400}, points), "7 8 9 10") << "7 is exactly as old";
  EXPECT_EQ(kept({.window_s = 3 * 86400 + 1}, points), "6 7 8 9 10");
  EXPECT_EQ(kept({.window_s = 90 * 86400}, points), "1 2 3 4 5 6 7 8 9 10");
  EXPECT_EQ(kept({.window_s = 86400, .weekly = 2}, points), "6 9 10");
  EXPECT_EQ(why({.window_s = 2 * 86400}, points, "8"), "keep: start of the window of 2d");
  EXPECT_EQ(why({.window_s = 2 * 86400}, points, "9"), "keep: in the window of 2d");
  points[6].damaged = true;
  EXPECT_EQ(kept({.window_s = 3 * 86400}, points), "6 7 8 9 10") << "a damaged base is no start";
  points[6].damaged = false;
  points[6].time = parse_time("2030-01-01").value();
  EXPECT_EQ(kept({.window_s = 3 * 86400}, points), "6 7 8 9 10") << "nor one without a time";
}

TEST(RetentionTest, MoreThanHalfAtOnceMustBeConfirmed) {
  const auto asks = [](const Retention& policy, const Candidates& points) {
    return decide(policy, points, TimeZone::utc).share_lost;
  };
  const Candidates points = series(10, 24, "2026-12-01T03:00");
  EXPECT_FALSE(asks({.last = 6}, points));
  EXPECT_TRUE(asks({.last = 5}, points)) << "half of the points, and five of nine days";
  EXPECT_TRUE(asks({.last = 4}, points));
  EXPECT_FALSE(asks({}, points));
  // Five of six points stay, but for two years of history.
  EXPECT_TRUE(asks({.last = 5},
                   points_of({"a 2024-12-01T01:00", "b 2026-12-01T01:00", "c 2026-12-01T02:00",
                              "d 2026-12-01T03:00", "e 2026-12-01T04:00", "f 2026-12-01T05:00"})));
  // One with a wrong clock is no history.
  EXPECT_FALSE(
      asks({.last = 5}, points_of({"a 2026-12-01T00:00", "b 2026-12-01T01:00", "x 1970-01-01T01:00",
                                   "c 2026-12-01T02:00", "d 2026-12-01T03:00", "e 2026-12-01T04:00",
                                   "f 2026-12-01T05:00", "g 2026-12-01T06:00"})));
  // Nothing is lost of web-1, but most of web-2.
  Candidates two = series(20, 24, "2026-12-01T03:00");
  for (std::size_t i = 0; i < 3; ++i) two[i].host = "web-2";
  EXPECT_FALSE(asks({.within_s = 30 * 86400, .last = 1}, two));
  for (std::size_t i = 0; i < 17; ++i) two[i + 3].held = true;
  EXPECT_TRUE(asks({.last = 1}, two));
}

TEST(RetentionTest, EveryTimeIsAccepted) {
  Candidates points = series(3, 24, "2026-12-01T03:00");
  points[0].time.ns = std::numeric_limits<std::int64_t>::min();
  points[2].time.ns = std::numeric_limits<std::int64_t>::max();
  const Retention policy{.within_s = std::int64_t{100} * 366 * 86400,
                         .window_s = std::int64_t{100} * 366 * 86400,
                         .hourly = 1,
                         .weekly = 1};
  EXPECT_EQ(kept(policy, points), "2 3") << "after a gap of centuries 3 is not counted yet";
  points[2].time.ns = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(kept(policy, points), "1 2 3");
}

/// The rows of docs/retention.md: | `NAME` | DATE TIME | WORDS | keep or forget | WHY |
TEST(RetentionTest, TheExampleOfTheManualIsRight) {
  std::ifstream page(SALVOR_SOURCE_DIR "/docs/retention.md");
  Candidates points;
  std::vector<std::string> rows;
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("| `")) continue;
    std::vector<std::string> cells;
    std::istringstream row(line.substr(1));
    for (std::string cell; std::getline(row, cell, '|');) {
      cells.push_back(cell.substr(1, cell.size() - 2));
    }
    if (cells.size() != 5) continue;
    std::string time = cells[1];
    time[time.find(' ')] = 'T';
    points.push_back(
        point_of(cells[0].substr(1, cells[0].size() - 2) + " " + time + " " + cells[2]));
    rows.push_back(cells[3] + " | " + cells[4]);
  }
  ASSERT_GT(points.size(), 10U);
  const RetentionDecision decision =
      decide({.last = 2, .daily = 4, .weekly = 2, .monthly = 2}, points, TimeZone::utc);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const RetentionVerdict& verdict = decision.verdicts[i];
    EXPECT_EQ(rows[i], (verdict.keep ? "keep | " : "forget | ") + verdict.why) << points[i].id;
  }
}

}  // namespace
}  // namespace salvor::service
