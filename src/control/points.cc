#include "control/points.h"

#include "base/error.h"
#include "control/caller.h"
#include "control/internal/choose_point.h"
#include "control/internal/drill_history.h"
#include "control/internal/opened.h"

namespace salvor::control {

PointsReport list_points(const config::Config& config, const std::string& service,
                         const Caller& caller) {
  const internal::Opened opened =
      internal::open_repository(config, repo::Access::read, caller.stop);
  internal::Logbook logbook(config);
  internal::compare_head(*opened.repository, logbook, internal::ShorterLog::warn);
  PointsReport report;
  for (const repo::Point& point : opened.repository->points()) {
    if (service.empty() || point.service == service) report.points.push_back(point);
  }
  report.failed_drills = internal::failed_drills(logbook, opened.repository->id().hex());
  // The repository may still know a service that the configuration has dropped. If neither knows
  // it, the name is wrong.
  if (report.points.empty() && !service.empty()) config.service(service);
  return report;
}

AcceptReport accept_point(const config::Config& config, const std::string& point,
                          const Caller& caller) {
  if (point == "latest") {
    throw Error(ErrorCode::usage, "latest is never suspect",
                "name the point by its id; `salvor points` lists the recovery points");
  }
  const internal::Opened opened =
      internal::open_repository(config, repo::Access::write, caller.stop);
  internal::Logbook logbook(config);
  internal::compare_head(*opened.repository, logbook, internal::ShorterLog::refuse);
  AcceptReport report;
  report.point = internal::find_point(*opened.repository, point);
  report.was_suspect = report.point.is_suspect();
  if (report.was_suspect) {
    opened.repository->accept(report.point.id);
    report.point.accepted = true;
  }
  logbook.note_head(opened.repository->id().hex(), opened.repository->sequence());
  return report;
}

}  // namespace salvor::control
