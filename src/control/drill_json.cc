#include "control/drill.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::text_of;
using json = internal::ReportJson;

}  // namespace

std::string to_json(const DrillReport& report) {
  const recovery::RunOutcome& outcome = report.outcome;
  json object{
      {"run", outcome.plan.run},
      {"service", printable(outcome.plan.service)},
      {"point", outcome.plan.point},
      {"point_time", format_time(outcome.plan.point_time)},
      {"state", name_of(outcome.state)},
      {"seconds", outcome.call_seconds},
      {"recovery_s", outcome.recovery_seconds},
      {"whole", report.whole},
      {"phases", json::array()},
      {"checks", parse_json<json>(to_json(outcome.checks))},
      {"rto_s", report.rto_s ? json(*report.rto_s) : json(nullptr)},
      {"rto_met", report.rto_met ? json(*report.rto_met) : json(nullptr)},
      {"not_covered", json::array()},
      {"deviations", json::array()},
      {"runbook", report.runbook.empty() ? json(nullptr) : json(printable(report.runbook))}};
  for (const recovery::StepOutcome& step : outcome.steps) {
    object["phases"].push_back(
        {{"name", step.name}, {"seconds", step.seconds}, {"result", name_of(step.result)}});
  }
  for (const std::string& line : report.not_covered) object["not_covered"].push_back(line);
  for (const std::string& line : outcome.deviations) {
    object["deviations"].push_back(printable(line));
  }
  if (outcome.failure) object["error"] = parse_json<json>(to_json(*outcome.failure)).at("error");
  return text_of(object);
}

}  // namespace salvor::control
