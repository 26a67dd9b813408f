#include "control/internal/choose_point.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "control/nearest_name.h"

namespace salvor::control::internal {
namespace {

constexpr std::size_t kPrefixDigitsMin = 4;
constexpr std::string_view kLatest = "latest";

bool is_hex(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         text.size() <= 2 * repo::PointId::kSize;
}

[[noreturn]] void throw_none(std::string_view what) {
  throw Error(ErrorCode::not_found, fmt::format("there is no recovery point{}", what),
              "take one with `salvor backup`, or see `salvor points`");
}

/// Whether a point has what is wanted of it.
bool suffices(const repo::Point& point, const std::vector<std::string>& stores) {
  if (!point.is_partial()) return true;
  return !stores.empty() && std::all_of(stores.begin(), stores.end(), [&](const auto& store) {
    return point.find(store) != nullptr;
  });
}

/// The newest of those that `wanted` accepts; of equally old ones the one committed last. One that
/// does not suffice is older than all that do. A safety snapshot is meant only by its id.
template <class Wanted>
const repo::Point* newest(const repo::Repository& repository,
                          const std::vector<std::string>& stores, const Wanted& wanted) {
  const repo::Point* found = nullptr;
  const auto rank = [&](const repo::Point& point) {
    return std::pair(suffices(point, stores), point.time);
  };
  for (const repo::Point& point : repository.points()) {
    if (point.is_safety_snapshot() || !wanted(point)) continue;
    if (found == nullptr || rank(point) >= rank(*found)) found = &point;
  }
  return found;
}

const repo::Point& by_id(const repo::Repository& repository, std::string_view prefix) {
  if (prefix.size() < kPrefixDigitsMin) {
    throw Error(ErrorCode::usage,
                fmt::format("\"{}\" is too short for a recovery point: found {} digits, expected "
                            "at least {}",
                            prefix, prefix.size(), kPrefixDigitsMin),
                "write more of the id; `salvor points` lists them");
  }
  const repo::Point* found = nullptr;
  for (const repo::Point& point : repository.points()) {
    if (!point.id.hex().starts_with(prefix)) continue;
    if (found != nullptr) {
      throw Error(ErrorCode::usage,
                  fmt::format("several recovery points begin with {}: {}, {}", prefix,
                              found->id.hex(), point.id.hex()),
                  "write more of the id");
    }
    found = &point;
  }
  if (found == nullptr) {
    throw Error(ErrorCode::not_found, fmt::format("there is no recovery point {}", prefix),
                "`salvor points` lists them");
  }
  return *found;
}

/// When the oldest and the newest point of a service were taken.
std::string range_of(const repo::Repository& repository, std::string_view service) {
  std::optional<Time> from;
  std::optional<Time> to;
  for (const repo::Point& point : repository.points()) {
    if (point.service != service || point.is_safety_snapshot()) continue;
    from = std::min(from.value_or(point.time), point.time);
    to = std::max(to.value_or(point.time), point.time);
  }
  if (!from) return "there are safety snapshots only: name one by its id";
  return fmt::format("there are points from {} to {}", format_time(*from), format_time(*to));
}

/// How exact a written time is. Who writes the second that `salvor points` shows means the point
/// that was taken within it.
std::int64_t precision_ns(std::string_view time) {
  return time.find('.') == std::string_view::npos ? 1'000'000'000 : 1'000;
}

void require_points(const repo::Repository& repository, std::string_view service) {
  std::vector<std::string_view> services;
  for (const repo::Point& point : repository.points()) {
    if (point.service == service) return;
    if (std::find(services.begin(), services.end(), point.service) == services.end()) {
      services.emplace_back(point.service);
    }
  }
  if (services.empty()) throw_none(fmt::format(" of service \"{}\"", printable(service)));
  throw Error(ErrorCode::not_found,
              fmt::format("there is no recovery point of service \"{}\"", printable(service)),
              suggest(service, services));
}

[[noreturn]] void throw_unintelligible(std::string_view at) {
  for (const std::string_view kind : {"lsn:", "xid:", "name:"}) {
    if (!at.starts_with(kind)) continue;
    throw Error(ErrorCode::usage,
                fmt::format("\"{}\" names a place in a PostgreSQL log, and this version has no "
                            "PostgreSQL stores",
                            printable(at)),
                "use latest, a point's id, or a time");
  }
  throw Error(ErrorCode::usage,
              fmt::format("\"{}\" is neither latest, nor a point's id, nor a time", printable(at)),
              "write a time as 2026-02-03T04:05:06Z or \"2026-02-03 04:05\" (local)");
}

}  // namespace

const repo::Point& find_point(const repo::Repository& repository, std::string_view name) {
  if (name == kLatest) {
    const repo::Point* found = newest(repository, {}, [](const repo::Point&) { return true; });
    if (found == nullptr) throw_none("");
    return *found;
  }
  if (!is_hex(name)) {
    throw Error(ErrorCode::usage,
                fmt::format("\"{}\" is neither latest nor a point's id", printable(name)),
                "`salvor points` lists the ids");
  }
  return by_id(repository, name);
}

const repo::Point& choose_point(const repo::Repository& repository, std::string_view service,
                                std::string_view at, const std::vector<std::string>& stores) {
  require_points(repository, service);
  const auto time = parse_time(at);
  if (time || at == kLatest) {
    const repo::Point* found = newest(repository, stores, [&](const repo::Point& point) {
      if (point.service != service) return false;
      return !time || point.time.ns - point.time.ns % precision_ns(at) <= time->ns;
    });
    if (found != nullptr) return *found;
    throw Error(ErrorCode::not_found,
                fmt::format("service {} has no recovery point{}", printable(service),
                            time ? " at or before " + format_time(*time) : ""),
                range_of(repository, service));
  }
  if (!is_hex(at)) throw_unintelligible(at);
  const repo::Point& point = by_id(repository, at);
  if (point.service != service) {
    throw Error(ErrorCode::not_found,
                fmt::format("recovery point {} is of service {}, expected {}", point.id.hex(),
                            printable(point.service), printable(service)),
                fmt::format("`salvor points {}` lists those of the service", printable(service)));
  }
  return point;
}

const repo::Point* newest_point(const repo::Repository& repository, std::string_view service) {
  return newest(repository, {}, [&](const repo::Point& point) { return point.service == service; });
}

const repo::Snapshot& find_snapshot(const repo::Point& point, std::string_view store) {
  if (const repo::Snapshot* found = point.find(store)) return *found;
  std::vector<std::string_view> names;
  for (const repo::Snapshot& snapshot : point.snapshots) names.emplace_back(snapshot.store);
  throw Error(ErrorCode::not_found,
              fmt::format("recovery point {} of service {} has no store \"{}\"", point.id.hex(),
                          printable(point.service), printable(store)),
              suggest(store, names));
}

}  // namespace salvor::control::internal
