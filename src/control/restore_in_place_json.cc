#include "control/restore_in_place.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::json_of_outcome;
using internal::text_of;
using json = internal::ReportJson;

}  // namespace

std::string to_json(const InPlaceReport& report) {
  json object = json_of_outcome(report.outcome, report.outcome.call_seconds);
  object["notes"] = report.notes;
  object["warnings"] = report.logged;
  if (report.outcome.failure) {
    object["error"] = internal::json_of_error(*report.outcome.failure);
  }
  return text_of(object);
}

}  // namespace salvor::control
