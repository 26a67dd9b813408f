#include "control/init.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::json_of_slots;
using internal::text_of;
using json = internal::ReportJson;

}  // namespace

std::string to_json(const InitReport& report) {
  return text_of({{"repository", report.repository},
                  {"location", printable(report.location)},
                  {"keys", json_of_slots(report.slots)},
                  {"new_key_file", internal::shown_or_null(report.new_key_file)}});
}

}  // namespace salvor::control
