#include <algorithm>

#include "control/control.h"
#include "control/internal/opened.h"

namespace salvor::control {

PointsReport list_points(const Config& config, const std::string& service, const Caller& caller) {
  const internal::Opened opened =
      internal::open_repository(config, repo::Access::read, caller.stop);
  internal::Records records(config);
  internal::compare_head(*opened.repository, records, internal::ShorterLog::warn);
  PointsReport report;
  for (const repo::Point& point : opened.repository->points()) {
    if (service.empty() || point.service == service) report.points.push_back(point);
  }
  // The repository may know services that the configuration no longer has; who has neither
  // mistyped.
  if (report.points.empty() && !service.empty()) config.service(service);
  std::stable_sort(report.points.begin(), report.points.end(),
                   [](const repo::Point& a, const repo::Point& b) { return a.time < b.time; });
  return report;
}

}  // namespace salvor::control
