#include "control/service_status.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::json_of_error;
using internal::json_of_point;
using internal::json_of_run;
using internal::put_path;
using internal::text_of;
using json = internal::ReportJson;

json json_of_status(const ServiceStatus& status) {
  json object = {{"service", status.service},
                 {"state", std::string(name_of(status.health()))},
                 {"reasons", json::array()},
                 {"host", internal::shown_or_null(status.host)},
                 {"writes_held_by", or_null(status.held_by)},
                 {"newest", nullptr},
                 {"achieved_rpo_s", or_null(status.achieved_rpo_s)},
                 {"rpo_s", or_null(status.rpo_s)},
                 {"rpo_met", status.rpo_met},
                 {"rto_s", or_null(status.rto_s)},
                 {"proven_rto_s", or_null(status.proven_rto_s)},
                 {"rto_met", status.rto_met},
                 {"last_drill", nullptr},
                 {"never_drilled", status.never_drilled},
                 {"drill_stale", status.drill_stale},
                 {"open_restore", or_null(status.open_restore)},
                 {"kept", internal::shown(status.kept)},
                 {"stores_without_point", status.stores_without_point},
                 {"uncovered", json::array()},
                 {"not_covered", status.not_covered},
                 {"evidence_waiting", status.evidence_waiting},
                 {"last_backup", nullptr},
                 {"last_restore", nullptr}};
  for (const Reason& reason : status.reasons) {
    object["reasons"].push_back(printable(reason.text));
  }
  if (status.newest) object["newest"] = json_of_point(*status.newest);
  if (status.last_drill) object["last_drill"] = internal::json_of_drill(*status.last_drill);
  for (const UncoveredPath& path : status.uncovered) {
    json item;
    put_path(item, "path", path.path);
    for (const stores::Type* type : stores::types()) {
      const bool is_a_file = !type->file_title().empty();
      if (is_a_file) item[std::string(type->name())] = path.looks_like == type;
    }
    object["uncovered"].push_back(std::move(item));
  }
  if (status.last_backup) object["last_backup"] = json_of_run(*status.last_backup);
  if (status.last_restore) object["last_restore"] = json_of_run(*status.last_restore);
  return object;
}

}  // namespace

std::string to_json(const StatusReport& report) {
  json object = {{"services", internal::list_of(report.services, json_of_status)}};
  object["warnings"] = report.warnings;
  if (report.repository_failure) object["error"] = json_of_error(*report.repository_failure);
  return text_of(object);
}

}  // namespace salvor::control
