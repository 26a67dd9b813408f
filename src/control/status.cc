#include <algorithm>

#include "control/control.h"
#include "control/internal/opened.h"
#include "control/internal/uncovered.h"

namespace salvor::control {
namespace {

void describe_newest(const std::vector<repo::Point>& points, const ServiceConfig& config,
                     ServiceStatus& status) {
  for (const repo::Point& point : points) {
    if (point.service != config.name || point.is_safety_snapshot()) continue;
    if (!status.newest || point.time >= status.newest->time) status.newest = point;
  }
  for (const StoreConfig& store : config.stores) {
    if (!status.newest || status.newest->find(store.name) == nullptr) {
      status.stores_without_point.push_back(store.name);
    }
  }
  if (!status.newest) return;
  status.achieved_rpo_s = Clock::system().now().seconds_since(status.newest->time);
  status.rpo_met = !config.rpo_s || *status.achieved_rpo_s <= static_cast<double>(*config.rpo_s);
}

void describe_runs(internal::Records& records, ServiceStatus& status) {
  if (records.catalog() == nullptr) return;
  const auto newest = [&](catalog::RunKind kind, std::optional<catalog::RunState> state) {
    const auto rows = records.catalog()->runs(
        {.service = status.service, .kind = kind, .state = state, .limit = 1});
    return rows.empty() ? std::nullopt : std::optional(rows.front());
  };
  status.last_backup = newest(catalog::RunKind::backup, std::nullopt);
  status.last_restore = newest(catalog::RunKind::restore, catalog::RunState::succeeded);
}

/// No service can be judged without the repository, but what is uncovered can be told.
std::vector<repo::Point> read_points(const Config& config, const Caller& caller,
                                     internal::Records& records, StatusReport& report) {
  try {
    const internal::Opened opened =
        internal::open_repository(config, repo::Access::read, caller.stop);
    internal::compare_head(*opened.repository, records, internal::ShorterLog::warn);
    return opened.repository->points();
  } catch (const Error& error) {
    report.repository_failure = error;
    return {};
  }
}

}  // namespace

double ServiceStatus::urgency() const {
  constexpr double kNeverBackedUp = 1e12;
  constexpr double kIncomplete = 0.5;
  constexpr double kUncovered = 0.25;
  if (!newest) return kNeverBackedUp;
  double urgency = 0;
  if (rpo_s) urgency += *achieved_rpo_s / static_cast<double>(*rpo_s);
  if (!rpo_met) urgency += 1e6;
  if (!stores_without_point.empty()) urgency += kIncomplete;
  if (!uncovered.empty()) urgency += kUncovered;
  return urgency;
}

StatusReport status(const Config& config, const std::string& service, const Caller& caller) {
  if (!service.empty()) config.service(service);
  StatusReport report;
  internal::Records records(config);
  const std::vector<repo::Point> points = read_points(config, caller, records, report);
  for (const ServiceConfig& each : config.services) {
    if (!service.empty() && each.name != service) continue;
    ServiceStatus& status = report.services.emplace_back();
    status.service = each.name;
    status.rpo_s = each.rpo_s;
    status.rto_s = each.rto_s;
    describe_newest(points, each, status);
    describe_runs(records, status);
    status.uncovered = internal::find_uncovered(config, each);
  }
  std::stable_sort(
      report.services.begin(), report.services.end(),
      [](const ServiceStatus& a, const ServiceStatus& b) { return a.urgency() > b.urgency(); });
  return report;
}

}  // namespace salvor::control
