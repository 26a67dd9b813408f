#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "control/caller.h"
#include "control/internal/opened.h"
#include "repo/repository.h"

/// Which recovery point somebody means. "Newest" is by the order of commitment, which no clock can
/// change; a time goes by the times of the points. Safety snapshots, suspect points and other
/// hosts' points are meant only by their ids; partial points by their ids, by who names stores that
/// they have, and where there is nothing else.
/// Lifetime: of the results: until the next refresh().
namespace salvor::control::internal {

/// Whose recovery points are meant.   A value.
struct Owner {
  std::string service;
  std::string host;
  bool shared = false;  ///< the points of every host are meant

  /// Points that name no host, as earlier versions wrote them, are everybody's.
  bool has(const repo::Point& point) const;
};

/// `service` need not be in the configuration (any more).
Owner owner_of(const config::Config& config, std::string_view service);

/// "latest", an id, or the beginning of one, 4 digits at least; of `service` on any host, where
/// that is not empty (then also a time). Errors: usage: it is none of them, several begin so, or
/// "latest" could mean several services; not_found.
const repo::Point& find_point(const repo::Repository& repository, std::string_view name,
                              std::string_view service = {});

/// Of one service: the same, or a time (the newest point at or before that time). `stores`: those
/// that are wanted of it; empty: all. Errors: as above; refused: there are only suspect points, or
/// only other hosts', and the message says how to name one; usage: a position in a PostgreSQL log,
/// which no store here has. `options`: what
/// a command that names a point has to have besides, with a blank before each.
const repo::Point& choose_point(const repo::Repository& repository, const Owner& owner,
                                std::string_view at, const std::vector<std::string>& stores = {},
                                std::string_view options = {});

/// A recovery point, in a repository that was opened to be read. A value.
struct OpenedPoint {
  Opened opened;
  Owner owner;
  repo::Point point;
};

/// Opens the repository, says where it is an older copy, and chooses a point of a service in it.
/// Errors: those of open_repository() and choose_point().
OpenedPoint open_point(const config::Config& config, Logbook& logbook, const std::string& service,
                       std::string_view at, const std::vector<std::string>& stores,
                       const Caller& caller, std::string_view options = {});

/// The newest point that a service can be brought back to; a partial one where there is nothing
/// else. Empty: there is none.
const repo::Point* newest_point(const repo::Repository& repository, const Owner& owner);

/// Suspect points that were committed after `point` (null: all), the newest last.
std::vector<const repo::Point*> newer_suspects(const repo::Repository& repository,
                                               const Owner& owner, const repo::Point* point);

/// What people should know about the choice of a point: newer ones that were passed over, and how
/// to name one; that it is suspect, another host's, or from the future. Sentences.
std::vector<std::string> notes_on(const repo::Repository& repository, const Owner& owner,
                                  const repo::Point& point, Time now);

/// That newer points than `point` (null: there is none) are suspect, and how to name one; empty:
/// no.
std::string note_on_suspects(const repo::Repository& repository, const Owner& owner,
                             const repo::Point* point);

/// That the clock was wrong when a point was taken, or is now; empty: it was not.
std::string note_on_time(const repo::Point& point, Time now);

/// How old a point is; one from the future is of now.   Units: seconds, never negative.
double age_s(const repo::Point& point, Time now);

/// Errors: not_found, naming the stores that there are.
const repo::Snapshot& find_snapshot(const repo::Point& point, std::string_view store);

}  // namespace salvor::control::internal
