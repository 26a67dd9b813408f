#pragma once

#include <string_view>

#include "repo/repository.h"

/// Which recovery point somebody means. Safety snapshots are meant only by their ids.
/// Lifetime: of the results: until the next refresh().
namespace salvor::control::internal {

/// "latest" (of any service), an id, or the beginning of one, 4 digits at least.
/// Errors: usage: it is none of them, or several begin so; not_found.
const repo::Point& find_point(const repo::Repository& repository, std::string_view name);

/// Of one service: the same, or a time: the newest point at or before it.
/// Errors: as above; usage: a position in a PostgreSQL log, which no store here has.
const repo::Point& choose_point(const repo::Repository& repository, std::string_view service,
                                std::string_view at);

/// Errors: not_found, naming the stores that there are.
const repo::Snapshot& find_snapshot(const repo::Point& point, std::string_view store);

}  // namespace salvor::control::internal
