#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "repo/repository.h"

/// Which recovery point somebody means. Safety snapshots are meant only by their ids; partial
/// points by their ids, by who names stores that they have, and where there is nothing else.
/// Lifetime: of the results: until the next refresh().
namespace salvor::control::internal {

/// "latest" (of any service), an id, or the beginning of one, 4 digits at least.
/// Errors: usage: it is none of them, or several begin so; not_found.
const repo::Point& find_point(const repo::Repository& repository, std::string_view name);

/// Of one service: the same, or a time: the newest point at or before it. `stores`: those that are
/// wanted of it; empty: all.
/// Errors: as above; usage: a position in a PostgreSQL log, which no store here has.
const repo::Point& choose_point(const repo::Repository& repository, std::string_view service,
                                std::string_view at, const std::vector<std::string>& stores = {});

/// The newest point that a service can be brought back to; a partial one where there is nothing
/// else. Empty: there is none.
const repo::Point* newest_point(const repo::Repository& repository, std::string_view service);

/// Errors: not_found, naming the stores that there are.
const repo::Snapshot& find_snapshot(const repo::Point& point, std::string_view store);

}  // namespace salvor::control::internal
