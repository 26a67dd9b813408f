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
                  {"file", report.file.empty() ? json(nullptr) : json(printable(report.file))},
                  {"markdown", report.markdown}});
}

}  // namespace salvor::control
