#include "control/points.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::json_of_point;
using internal::text_of;
using json = internal::ReportJson;

}  // namespace

std::string to_json(const PointsReport& report) {
  const auto with_drill = [&](const repo::Point& point) {
    json shown = json_of_point(point);
    const auto failed = report.failed_drills.find(point.id);
    if (failed != report.failed_drills.end()) shown["failed_drill"] = failed->second;
    return shown;
  };
  json object = {{"points", internal::list_of(report.points, with_drill)},
                 {"windows", json::array()}};
  for (const Window& window : report.windows) {
    object["windows"].push_back({{"service", window.service},
                                 {"store", window.store},
                                 {"from", format_time(window.from)},
                                 {"to", format_time(window.to)},
                                 {"timeline", window.timeline}});
  }
  return text_of(object);
}

std::string to_json(const AcceptReport& report) {
  return text_of({{"point", report.point.id.hex()},
                  {"service", printable(report.point.service)},
                  {"state", std::string(report.point.state())},
                  {"was_suspect", report.was_suspect}});
}

}  // namespace salvor::control
