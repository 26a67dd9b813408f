#include "control/runs.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"
#include "control/service_status.h"

namespace salvor::control {
namespace {

using internal::json_of_run;
using internal::parsed;
using internal::text_of;
using json = internal::ReportJson;

json json_of_step(const recovery::StepOutcome& step) {
  json object{{"name", step.name}, {"result", step.result}, {"seconds", step.seconds}};
  json data = try_parse_json<json>(step.data);
  if (!step.error.empty()) object["error"] = step.error;
  // What checks found is told once, under "checks".
  const bool told = data.is_array() && !data.empty() && data.front().is_object();
  if (!data.is_discarded() && !told) object["data"] = std::move(data);
  return object;
}

json json_of_outcome(const recovery::RunOutcome& outcome) {
  json object{{"run", outcome.plan.run},
              {"service", printable(outcome.plan.service)},
              {"point", outcome.plan.point},
              {"point_time", format_time(outcome.plan.point_time)},
              {"mode", name_of(outcome.plan.mode)},
              {"state", outcome.state},
              {"seconds", outcome.seconds},
              {"healthy", outcome.healthy},
              {"steps", json::array()},
              {"checks", nullptr},
              {"safety_points", outcome.safety_points},
              {"kept", json::array()},
              {"left", json::array()},
              {"deviations", json::array()}};
  for (const auto& step : outcome.steps) object["steps"].push_back(json_of_step(step));
  object["checks"] = parse_json<json>(to_json(outcome.checks));
  for (const std::string& path : outcome.kept) object["kept"].push_back(printable(path));
  for (const std::string& line : outcome.left) object["left"].push_back(printable(line));
  for (const std::string& line : outcome.deviations) {
    object["deviations"].push_back(printable(line));
  }
  return object;
}

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
  object["journal"] = report.outcome ? json_of_outcome(*report.outcome) : json(nullptr);
  return text_of(object);
}

}  // namespace salvor::control
