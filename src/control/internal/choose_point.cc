#include "control/internal/choose_point.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/nearest_name.h"
#include "base/written_time.h"

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

/// What the newest of several points is by.
enum class Order { commitment, time };

/// The newest point that `wanted` accepts; of two with the same time the one committed last. A
/// point that is not good enough counts as older than all that are. Points that are meant only by
/// their id are never chosen.
template <class Wanted>
const repo::Point* newest(const repo::Repository& repository, Order order,
                          const std::vector<std::string>& stores, const Wanted& wanted) {
  const repo::Point* found = nullptr;
  const auto rank = [&](const repo::Point& point) {
    // Points come in the order of their commitment.
    return std::pair(suffices(point, stores), order == Order::time ? point.time : Time{});
  };
  for (const repo::Point& point : repository.points()) {
    if (point.is_safety_snapshot() || point.is_suspect() || !wanted(point)) continue;
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
                "write more of the id; `salvor points` lists the recovery points");
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
                "`salvor points` lists the recovery points");
  }
  return *found;
}

/// When the oldest and the newest of a service's own points were taken, in the zone of `written`.
std::string range_of(const repo::Repository& repository, const Owner& owner,
                     std::string_view written) {
  std::optional<Time> from;
  std::optional<Time> to;
  for (const repo::Point& point : repository.points()) {
    if (!owner.has(point) || point.is_safety_snapshot()) continue;
    from = std::min(from.value_or(point.time), point.time);
    to = std::max(to.value_or(point.time), point.time);
  }
  if (!from) return "there are safety snapshots only: name one by its id";
  return fmt::format("there are points from {} to {}", format_time_like(*from, written),
                     format_time_like(*to, written));
}

/// Why no point was chosen, though the service has some: they are meant only by their id.
void refuse_unnamed(const repo::Repository& repository, const Owner& owner,
                    std::string_view options) {
  const repo::Point* suspect = nullptr;
  const repo::Point* foreign = nullptr;
  for (const repo::Point& point : repository.points()) {
    if (point.service != owner.service || point.is_safety_snapshot()) continue;
    if (!owner.has(point)) {
      foreign = &point;
    } else if (point.is_suspect()) {
      suspect = &point;
    } else {
      return;
    }
  }
  const std::string name = printable(owner.service);
  if (suspect != nullptr) {
    throw Error(
        ErrorCode::refused,
        fmt::format("every recovery point of service {} is suspect; the newest is {} of {}", name,
                    suspect->id.hex(), local_time(suspect->time)),
        fmt::format("see the reasons with `salvor points {0}`; then restore that point by its id: "
                    "salvor restore {0} --at {1}{2}; or accept it: salvor points --accept {1}",
                    name, suspect->id.hex(), options));
  }
  if (foreign == nullptr) return;
  throw Error(
      ErrorCode::refused,
      fmt::format("service {} has no recovery point of this host ({}); the newest is {}, "
                  "which host {} took at {}",
                  name, printable(owner.host), foreign->id.hex(), printable(foreign->host()),
                  local_time(foreign->time)),
      fmt::format("if that is what you want, name it: salvor restore {} --at {}{}; a machine "
                  "that takes the place of {} sets host = \"{}\"; several hosts that back "
                  "up one service set shared = true",
                  name, foreign->id.hex(), options, printable(foreign->host()),
                  printable(foreign->host())));
}

/// The precision of a written time. The second that `salvor points` shows means the point that was
/// taken within it.
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

/// "latest" is clear only where all points belong to one service.
void require_one_service(const repo::Repository& repository) {
  std::set<std::string> services;
  for (const repo::Point& point : repository.points()) services.insert(printable(point.service));
  if (services.size() < 2) return;
  throw Error(ErrorCode::usage,
              fmt::format("\"latest\" could mean a point of several services: {}",
                          fmt::join(services, ", ")),
              "name the service with --service, or a point by its id");
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

bool Owner::has(const repo::Point& point) const {
  if (point.service != service) return false;
  return shared || point.host().empty() || point.host() == host;
}

Owner owner_of(const config::Config& config, std::string_view service) {
  const service::Service* const configured = config.find_service(service);
  return {std::string(service), config.host, configured != nullptr && configured->shared};
}

const repo::Point& find_point(const repo::Repository& repository, std::string_view name,
                              std::string_view service) {
  if (!service.empty()) return choose_point(repository, {std::string(service), "", true}, name);
  if (name == kLatest) {
    require_one_service(repository);
    const repo::Point* found =
        newest(repository, Order::commitment, {}, [](const repo::Point&) { return true; });
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

const repo::Point& choose_point(const repo::Repository& repository, const Owner& owner,
                                std::string_view at, const std::vector<std::string>& stores,
                                std::string_view options) {
  const std::string& service = owner.service;
  require_points(repository, service);
  const auto time = parse_time(at);
  if (time || at == kLatest) {
    const Order order = time ? Order::time : Order::commitment;
    const repo::Point* found = newest(repository, order, stores, [&](const repo::Point& point) {
      if (!owner.has(point)) return false;
      return !time || point.time.ns - point.time.ns % precision_ns(at) <= time->ns;
    });
    if (found != nullptr) return *found;
    refuse_unnamed(repository, owner, options);
    throw Error(ErrorCode::not_found,
                fmt::format("service {} has no recovery point{}", printable(service),
                            time ? " at or before " + format_time_like(*time, at) : ""),
                range_of(repository, owner, at));
  }
  if (!is_hex(at)) throw_unintelligible(at);
  const repo::Point& point = by_id(repository, at);
  if (point.service != service) {
    throw Error(
        ErrorCode::not_found,
        fmt::format("recovery point {} is of service {}, expected {}", point.id.hex(),
                    printable(point.service), printable(service)),
        fmt::format("`salvor points {}` lists the points of the service", printable(service)));
  }
  return point;
}

OpenedPoint open_point(const config::Config& config, Logbook& logbook, const std::string& service,
                       std::string_view at, const std::vector<std::string>& stores,
                       const Caller& caller, std::string_view options) {
  OpenedPoint chosen{.opened = open_repository(config, repo::Access::read, caller.stop),
                     .owner = owner_of(config, service),
                     .point = {}};
  compare_head(*chosen.opened.repository, logbook, ShorterLog::warn);
  chosen.point = choose_point(*chosen.opened.repository, chosen.owner, at, stores, options);
  return chosen;
}

const repo::Point* newest_point(const repo::Repository& repository, const Owner& owner) {
  return newest(repository, Order::commitment, {},
                [&](const repo::Point& point) { return owner.has(point); });
}

std::vector<const repo::Point*> newer_suspects(const repo::Repository& repository,
                                               const Owner& owner, const repo::Point* point) {
  std::vector<const repo::Point*> suspects;
  bool is_newer = point == nullptr;
  for (const repo::Point& each : repository.points()) {
    if (is_newer && owner.has(each) && each.is_suspect()) suspects.push_back(&each);
    if (point != nullptr && each.id == point->id) is_newer = true;
  }
  return suspects;
}

std::string note_on_suspects(const repo::Repository& repository, const Owner& owner,
                             const repo::Point* point) {
  const auto passed = newer_suspects(repository, owner, point);
  if (passed.empty()) return {};
  const repo::Point& last = *passed.back();
  return fmt::format(
      "{} {}recovery point{} suspect and passed over; the newest is {} of {}: see the reasons: "
      "salvor points; name that point with --at {}, or accept it: salvor points --accept {}",
      passed.size(), point == nullptr ? "" : "newer ", passed.size() == 1 ? " is" : "s are",
      last.id.hex(), local_time(last.time), last.id.hex(), last.id.hex());
}

std::vector<std::string> notes_on(const repo::Repository& repository, const Owner& owner,
                                  const repo::Point& point, Time now) {
  std::vector<std::string> notes;
  if (std::string note = note_on_suspects(repository, owner, &point); !note.empty()) {
    notes.push_back(std::move(note));
  }
  if (point.is_suspect()) {
    for (const repo::Snapshot& snapshot : point.snapshots) {
      for (const std::string& why : snapshot.suspicions) {
        notes.push_back(fmt::format("recovery point {} is suspect: store {}: {}", point.id.hex(),
                                    printable(snapshot.store), printable(why)));
      }
    }
  }
  if (!owner.has(point)) {
    notes.push_back(fmt::format("recovery point {} is of host {}, and this is host {}",
                                point.id.hex(), printable(point.host()), printable(owner.host)));
  }
  if (std::string note = note_on_time(point, now); !note.empty()) notes.push_back(std::move(note));
  return notes;
}

std::string note_on_time(const repo::Point& point, Time now) {
  // Clocks of several hosts are never quite the same.
  constexpr double kSkewMax_s = 60;
  if (point.time.seconds_since(now) <= kSkewMax_s) return {};
  return fmt::format(
      "recovery point {} is from the future ({}, and it is {} now): the clock was wrong when it "
      "was "
      "taken, or is wrong now",
      point.id.hex(), local_time(point.time), local_time(now));
}

double age_s(const repo::Point& point, Time now) {
  return std::max(0.0, now.seconds_since(point.time));
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
