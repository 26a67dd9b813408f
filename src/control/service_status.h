#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "control/caller.h"
#include "control/drill.h"
#include "repo/point.h"

/// The verb `status`: how well each service is protected.
namespace salvor::control {

/// A path that somebody wants protected, and that no store covers.
struct UncoveredPath {
  std::string path;
  /// The kind of store that the file looks like; null: none.
  const stores::Type* looks_like = nullptr;
};

/// How urgently somebody should look.
enum class Health { good, warning, critical };
std::string_view name_of(Health health);

/// Why a service is not good.
struct Reason {
  Health health = Health::warning;
  std::string word;  ///< one or two, for a table: "TOO OLD"
  std::string text;  ///< a sentence
};

/// How well one service is protected.
/// Units: seconds.
struct ServiceStatus {
  std::string service;
  std::string host;                   ///< whose recovery points count; empty: every host's
  bool points_known = true;           ///< the repository could be opened, or is not there
  std::optional<repo::Point> newest;  ///< a good one; a partial one only where there is no other
  std::string suspect_note;   ///< newer suspect points that are passed over; empty: there are none
  std::string clock_note;     ///< a point is from the future; empty: none is
  std::string older_note;     ///< the repository is an older copy than was seen; empty: it is not
  std::string evidence_note;  ///< records that are lost, and that no signed one names; empty: none
  std::vector<std::string> lacks;         ///< what the newest point does not have
  std::optional<std::string> other_host;  ///< there are points of other hosts only: of this one
  std::optional<std::string> held_by;     ///< a run that was ended, and left writes held
  std::optional<double> achieved_rpo_s;
  std::optional<std::int64_t> rpo_s;
  std::optional<std::int64_t> rto_s;
  std::vector<std::string> stores_without_point;  ///< configured, not in the newest point
  std::vector<UncoveredPath> uncovered;           ///< under `protect`, in no store
  std::optional<catalog::RunRow> last_backup;
  std::optional<catalog::RunRow> failed_backup;  ///< none of all stores has succeeded since
  std::optional<catalog::RunRow> last_restore;
  bool restored_in_place = false;  ///< once, as far as this machine knows
  bool rpo_met = false;            ///< without an RPO: there is a point
  /// Of the newest drill of the newest point, or of the service where none has tried that point.
  /// Empty: that drill failed, or there is none.
  std::optional<double> proven_rto_s;
  bool rto_met = false;  ///< without an RTO: something is proven
  std::optional<DrillSummary> last_drill;
  /// The last drill, or that of the newest point, where it ended, and not well.
  std::optional<DrillSummary> failed_drill;
  bool never_drilled = true;
  bool drill_stale = true;  ///< none has succeeded within drill_limit_s
  double drill_limit_s = 0;
  std::optional<std::string> open_restore;  ///< a run that must be resumed or undone
  bool restore_is_running = false;          ///< its process lives: it can only be followed
  std::vector<std::string> kept;            ///< what finished restores keep of the old data
  std::vector<std::string> kept_notes;      ///< whose that is, and what may become of it
  std::vector<std::string> not_covered;     ///< what was never tested, or can't be restored
  std::vector<std::string> silent;          ///< stores that do not answer, and where: a line each
  std::size_t evidence_waiting = 0;         ///< records that the repository does not have yet
  std::vector<Reason> reasons;              ///< the most urgent first; empty: it is good

  /// The worst of the reasons.
  Health health() const;

  /// For sorting: the greater, the sooner somebody should look.
  double urgency() const;
};

/// How well all services are protected.
struct StatusReport {
  std::vector<ServiceStatus> services;      ///< the most urgent first
  std::optional<Error> repository_failure;  ///< empty: it is reachable
  std::vector<std::string> warnings;

  /// Whether all of it is good.
  bool good() const;
};

/// Says what it can, also without a repository.
/// Errors: not_found: the service.
StatusReport status(const config::Config& config, const std::string& service, const Caller& caller);

/// Keys are a contract: docs/cli.md.
std::string to_json(const StatusReport& report);

}  // namespace salvor::control
