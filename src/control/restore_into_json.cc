#include "control/restore_into.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::put_path;
using internal::text_of;
using json = internal::ReportJson;

}  // namespace

std::string to_json(const RestoreReport& report) {
  json object = {{"run", report.run},
                 {"service", printable(report.point.service)},
                 {"point", report.point.id.hex()},
                 {"time", format_time(report.point.time)},
                 {"stores", json::array()},
                 {"notes", report.notes},
                 {"warnings", report.logged},
                 {"duration_s", report.duration_s}};
  for (const RestoredStore& store : report.stores) {
    json item = {{"name", store.name}, {"type", store.type}};
    put_path(item, "path", store.path);
    item["entries"] = store.result.entries;
    item["bytes"] = store.result.bytes;
    item["bytes_written"] = store.result.bytes_written;
    item["duration_s"] = store.duration_s;
    item["moved_aside"] = store.result.sink.moved_aside;
    item["moved_aside_to"] = printable(store.result.sink.moved_aside_to);
    item["warnings"] = internal::shown(store.result.sink.warnings);
    object["stores"].push_back(std::move(item));
  }
  return text_of(object);
}

}  // namespace salvor::control
