#include "control/internal/baseline.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "checks/canary.h"
#include "recovery/claim.h"
#include "recovery/execute.h"

namespace salvor::control::internal {
namespace {

/// A restore in place that came to its end.
struct Restored {
  recovery::Plan plan;
  Time started;
};

/// The newest restore. Only that one says what is live now.
std::optional<Restored> last_restored(repo::Repository& repository, const std::string& service) {
  try {
    const auto history = recovery::Claim(repository, service).history();
    for (auto claim = history.rbegin(); claim != history.rend(); ++claim) {
      if (!claim->begins) continue;
      const auto run = recovery::find_run(repository, claim->run);
      if (run &&
          (run->state == catalog::RunState::succeeded || run->state == catalog::RunState::closed)) {
        return Restored{run->plan, run->started};
      }
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corruption) throw;
    log::warning("the restores of {} can't be read, so backups are measured without them: {}",
                 printable(service), error.message());
  }
  return std::nullopt;
}

using Points = std::vector<repo::Point>;

/// The first point after the restore: the one after its safety snapshot, or without one, by time.
Points::const_iterator first_after(const Points& points, const Restored& restored) {
  const auto safety = std::find_if(points.begin(), points.end(), [&](const repo::Point& point) {
    const auto run = point.facts.find("run");
    return point.is_safety_snapshot() && run != point.facts.end() &&
           run->second == restored.plan.run;
  });
  if (safety != points.end()) return safety;
  return std::find_if(points.begin(), points.end(),
                      [&](const repo::Point& point) { return point.time >= restored.started; });
}

void take(const repo::Point& point, const repo::Snapshot& snapshot, Baselines& baselines) {
  const auto fact = point.facts.find(checks::canary_fact(snapshot.store));
  const bool has_marker =
      fact != point.facts.end() && fact->second.find(" planted=yes ") != std::string::npos;
  baselines.stores[snapshot.store] = {snapshot, has_marker};
}

void take_all(Points::const_iterator from, Points::const_iterator to, const Owner& owner,
              Baselines& baselines) {
  for (; from != to; ++from) {
    if (!owner.has(*from) || from->is_safety_snapshot() || from->is_suspect()) continue;
    for (const repo::Snapshot& snapshot : from->snapshots) take(*from, snapshot, baselines);
  }
}

}  // namespace

const Baselines::Baseline* Baselines::find(const std::string& store) const {
  const auto found = stores.find(store);
  return found == stores.end() ? nullptr : &found->second;
}

Baselines find_baselines(repo::Repository& repository, const Owner& owner) {
  const Points& points = repository.points();
  Baselines baselines;
  baselines.has_points = std::ranges::any_of(
      points, [&](const repo::Point& point) { return point.service == owner.service; });
  const auto restored = last_restored(repository, owner.service);
  const auto after = restored ? first_after(points, *restored) : points.end();
  take_all(points.begin(), after, owner, baselines);
  if (restored) {
    if (const repo::Point* point = repository.find_point(restored->plan.point)) {
      for (const recovery::StorePlan& store : restored->plan.stores) {
        if (const repo::Snapshot* snapshot = point->find(store.name)) {
          take(*point, *snapshot, baselines);
        }
      }
    }
  }
  take_all(after, points.end(), owner, baselines);
  return baselines;
}

}  // namespace salvor::control::internal
