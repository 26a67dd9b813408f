#include "control/take_backup.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::json_of_error;
using internal::json_of_snapshot;
using internal::text_of;
using json = internal::ReportJson;

json json_of_backup(const BackupReport& report) {
  const repo::Point& point = report.result.point;
  json object = {{"point", point.id.hex()},
                 {"service", report.service},
                 {"time", format_time(point.time)},
                 {"run", report.run},
                 {"duration_s", report.duration_s},
                 {"state", std::string(point.state())},
                 {"warnings", report.warnings},
                 {"stores", internal::list_of(point.snapshots, json_of_snapshot)}};
  for (const std::string& line : report.logged) object["warnings"].push_back(line);
  return object;
}

}  // namespace

std::string to_json(const BackupReport& report) {
  return text_of(json_of_backup(report));
}

std::string to_json(const std::vector<BackupReport>& reports) {
  json object = {{"backups", json::array()}};
  for (const BackupReport& report : reports) {
    if (!report.failure) {
      object["backups"].push_back(json_of_backup(report));
    } else if (!object.contains("error")) {
      object["error"] = json_of_error(*report.failure);
    }
  }
  return text_of(object);
}

}  // namespace salvor::control
