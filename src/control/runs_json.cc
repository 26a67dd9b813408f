#include "control/runs.h"

#include "control/internal/report_values.h"

namespace salvor::control {
namespace {

using internal::json_of_outcome;
using internal::json_of_run;
using internal::parsed;
using internal::text_of;
using json = internal::ReportJson;

}  // namespace

std::string to_json(const catalog::RunRow& run) {
  json object = json_of_run(run);
  json summary = parsed(run.summary_json);
  object["summary"] = summary.is_discarded() ? json(nullptr) : std::move(summary);
  return text_of(object);
}

std::string to_json(const std::vector<catalog::RunRow>& runs) {
  json object = {{"runs", json::array()}};
  for (const catalog::RunRow& run : runs) object["runs"].push_back(json_of_run(run));
  return text_of(object);
}

std::string to_json(const RunReport& report) {
  json object = parse_json<json>(to_json(report.row));
  const auto& outcome = report.outcome;
  object["journal"] = outcome ? json_of_outcome(*outcome, outcome->step_seconds()) : json(nullptr);
  return text_of(object);
}

}  // namespace salvor::control
