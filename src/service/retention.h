#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "service/cron.h"
#include "service/service.h"

/// Which recovery points of a service are kept, and why; docs/retention.md has the rules for users.
/// Only values: nothing is read, asked or removed here.
namespace salvor::service {

/// What a recovery point is good for. `safety`: taken before a restore in place, to go back to.
enum class PointKind { good, partial, suspect, safety };

/// A recovery point, as far as retention looks at it.
struct RetentionCandidate {
  std::string id;    ///< for words only
  std::string host;  ///< whose point it is
  /// The label of that host's clock. It may be wrong, and decides of no order.
  Time time;
  PointKind kind = PointKind::good;
  bool damaged = false;  ///< a part of it can't be read, as long as nobody has repaired it
  bool held = false;     ///< by somebody, or by a run that is not closed
  /// A granted key has written it. Such points never make one of a full key superfluous.
  bool granted = false;
  /// A store of it has an archive of its log: instants after the point can be reached from it.
  bool has_log = false;
  /// The number of the newest log entry that says that it was proven; empty: it never was.
  std::optional<std::uint64_t> proven = {};
};

/// What happens to one point.
struct RetentionVerdict {
  bool keep = true;
  /// For a plan: "daily 3 of 14: 2026-11-28; last good point of host web-1". Never empty.
  std::string why;
};

/// What happens to all of them.
struct RetentionDecision {
  std::vector<RetentionVerdict> verdicts;  ///< one for each candidate, in the same order
  /// Of the points of a host, or of the span of time from its oldest good point to its newest one,
  /// more than half would go at once. A mistyped policy and a wrong clock look like that, so
  /// somebody must confirm it.
  bool share_lost = false;
};

/// How many good points must have followed one whose time is out of order before it is forgotten,
/// even where `last` is less: so many that agree with each other show that the clock was set.
inline constexpr std::size_t kAgreeingPoints = 3;

/// The newest one or two good points that come later than this after the one before them may have a
/// clock ahead, or the host was off. Until a third one follows, they make no other point old.
inline constexpr std::int64_t kUnusualGap_s = std::int64_t{31} * 86400;

/// Applies the policy to the points of one service.
/// Shape:   in: all points in force, in the order in which they were committed.
/// Units:   days, weeks and so on begin in `zone`.
/// Errors:  none: every time is accepted.   Threads: any; pure, but for the machine's zone.
/// Promise: what is held, the last good point of each host and its last undamaged one, and the
///          point proven most recently are kept. An empty policy keeps everything. Deciding again
///          on what was kept keeps all of it.
/// Cost:    n log n for n points with right clocks.
RetentionDecision decide(const Retention& policy, std::span<const RetentionCandidate> points,
                         TimeZone zone);

}  // namespace salvor::service
