#include "control/drill.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::text_of;
using json = internal::ReportJson;

json json_of_phase(const recovery::StepOutcome& step) {
  return {{"name", name_of(step.id)}, {"seconds", step.seconds}, {"result", name_of(step.result)}};
}

}  // namespace

std::string to_json(const DrillReport& report) {
  const recovery::RunOutcome& outcome = report.outcome;
  json object{{"run", outcome.plan.run},
              {"service", printable(outcome.plan.service)},
              {"point", outcome.plan.point_text()},
              {"point_time", format_time(outcome.plan.point_time)},
              {"state", name_of(outcome.state)},
              {"seconds", outcome.call_seconds},
              {"recovery_s", outcome.recovery_seconds},
              {"whole", report.whole},
              {"phases", internal::list_of(outcome.steps, json_of_phase)},
              {"checks", internal::json_of_checks(outcome.checks)},
              {"rto_s", or_null(report.rto_s)},
              {"rto_met", or_null(report.rto_met)},
              {"not_covered", report.not_covered},
              {"deviations", internal::shown(outcome.deviations)},
              {"warnings", report.logged},
              {"runbook", internal::shown_or_null(report.runbook)}};
  if (outcome.failure) object["error"] = internal::json_of_error(*outcome.failure);
  return text_of(object);
}

}  // namespace salvor::control
