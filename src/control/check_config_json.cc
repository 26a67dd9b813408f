#include "control/check_config.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::put_path;
using internal::text_of;
using json = internal::ReportJson;

}  // namespace

std::string to_json(const ConfigCheckReport& report) {
  json object = {{"good", report.good()},
                 {"host", printable(report.host)},
                 {"notes", report.notes},
                 {"file", printable(report.file)},
                 {"repository",
                  {{"location", printable(report.location)},
                   {"absent", report.repository_absent},
                   {"problem", report.repository_problem}}},
                 {"warnings", report.warnings},
                 {"stores", json::array()}};
  for (const StoreReachability& store : report.stores) {
    json item = {{"service", store.service}, {"name", store.store}, {"type", store.type}};
    put_path(item, "path", store.path);
    item["problem"] = store.problem;
    object["stores"].push_back(std::move(item));
  }
  return text_of(object);
}

}  // namespace salvor::control
