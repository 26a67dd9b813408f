#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "control/drill.h"
#include "control/internal/logbook.h"
#include "repo/repository.h"
#include "service/service.h"

namespace salvor::control::internal {

/// What is known of the drills of a service.
struct DrillHistory {
  std::optional<DrillSummary> last;
  std::optional<DrillSummary> last_success;
  /// The runs whose records were read.
  std::set<std::string> recorded;
  /// Records that were passed over on the way to them: one of those may have been a drill's.
  std::uint64_t lost = 0;     ///< a signed record says so
  std::uint64_t damaged = 0;  ///< none does
};

/// From the evidence in the repository, which every host writes: it is the truth. The newest drill
/// is the one whose record is the last in the chain: the clock of a host may be ahead. What has no
/// place there, or has come there late, goes by the time at which it began. Records that wait in
/// this machine's catalog count like those (they are signed), and are marked. What else this
/// machine's catalog knows (`id`: of the repository, empty: not known) counts where the repository
/// can't be opened (`repository` is null), and for the last drill where that has left no evidence.
/// Errors: none: what can't be read is not known.
DrillHistory read_drill_history(Logbook& logbook, const std::string& id,
                                repo::Repository* repository, const std::string& service);

/// The newest drill of a recovery point that has ended, or, where none has tried that point, the
/// newest of the service. Empty: there is none.
/// Errors: none: what can't be read is not known, with a warning.
std::optional<DrillSummary> newest_drill(Logbook& logbook, repo::Repository& repository,
                                         const repo::Point& point);

/// The newest drill that says whether a recovery point can be restored: it has failed, or has
/// restored every store of the service. Where none has tried that point (or `point` is null), the
/// newest of the service. An older success says nothing any more of a point whose own drill failed.
/// The catalog alone (`id`: of the repository) proves something only without a repository.
/// Errors: none: what can't be read is not known, with a warning.
std::optional<DrillSummary> newest_verdict(Logbook& logbook, const std::string& id,
                                           repo::Repository* repository, const std::string& service,
                                           const repo::Point* point);

/// The points of a repository (`id`) whose newest drill has failed, as far as the catalog of this
/// machine knows, and the run of each.
/// Errors: none: what can't be read is not known, with a warning.
std::map<repo::PointId, std::string> failed_drills(Logbook& logbook, const std::string& id);

/// How long a drill's success proves something: one and a half intervals of the schedule, 31 days
/// without one.   Units: seconds.
double drill_limit_s(const service::Service& service, Time now);

}  // namespace salvor::control::internal
