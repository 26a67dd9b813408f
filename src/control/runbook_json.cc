#include "control/runbook.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::text_of;
using json = internal::ReportJson;

}  // namespace

std::string to_json(const RunbookReport& report) {
  return text_of({{"service", report.service},
                  {"file", internal::shown_or_null(report.file)},
                  {"markdown", report.markdown}});
}

}  // namespace salvor::control
