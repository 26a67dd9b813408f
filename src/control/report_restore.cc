#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::or_null;
using internal::put_path;
using internal::text_of;
using json = internal::ReportJson;

json json_of_target(const PlannedTarget& target) {
  const stores::TargetIdentity& identity = target.identity;
  json object{{"store", target.store}, {"type", target.type}};
  put_path(object, "path", identity.path);
  object["exists"] = identity.exists;
  object["identity"] = identity.identity;
  object["bytes"] = identity.bytes;
  object["entries"] = identity.entries;
  object["counted"] = identity.counted;
  object["point_bytes"] = target.point_bytes;
  object["point_entries"] = target.point_entries;
  object["holders"] = json::array();
  for (const stores::Holder& holder : identity.holders) {
    json item{
        {"pid", holder.pid}, {"command", printable(holder.command)}, {"writes", holder.writes}};
    put_path(item, "path", holder.path);
    object["holders"].push_back(std::move(item));
  }
  return object;
}

json json_of_check(const checks::CheckOutcome& check) {
  json object{{"name", printable(check.name)},
              {"kind", check.kind},
              {"store", check.store},
              {"verdict", name_of(check.verdict)},
              {"expected", printable(check.expected)},
              {"actual", printable(check.actual)},
              {"seconds", check.seconds},
              {"output", check.output}};
  if (check.missing) object["missing"] = *check.missing;
  if (check.orphans) object["orphans"] = *check.orphans;
  return object;
}

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

std::string to_json(const std::vector<checks::CheckOutcome>& checks) {
  json list = json::array();
  for (const checks::CheckOutcome& check : checks) list.push_back(json_of_check(check));
  return text_of(list);
}

std::string to_json(const RestorePlanReport& report) {
  json object{
      {"service", report.plan.service},
      {"point", report.point.id.hex()},
      {"time", format_time(report.point.time)},
      {"state", std::string(report.point.state())},
      {"host", report.point.host().empty() ? json(nullptr) : json(printable(report.point.host()))},
      {"lost_s", report.lost_s},
      {"expected_s", or_null(report.expected_s)},
      {"targets", json::array()},
      {"space", json::array()},
      {"steps", json::array()},
      {"checks", json::array()},
      {"untouched", report.untouched},
      {"warnings", report.warnings},
      {"open_restore", or_null(report.open_restore)},
      {"last_drill", report.last_drill ? internal::json_of_drill(*report.last_drill) : json()},
      {"undo", report.undo}};
  for (const PlannedTarget& target : report.targets) {
    object["targets"].push_back(json_of_target(target));
  }
  for (const recovery::FileSystemSpace& space : report.space) {
    object["space"].push_back({{"path", printable(space.path)},
                               {"wanted", space.wanted},
                               {"free", space.free},
                               {"suffices", space.suffices()}});
  }
  for (const PlannedStep& step : report.steps) {
    object["steps"].push_back({{"name", step.name},
                               {"what", printable(step.what)},
                               {"expected_s", or_null(step.expected_s)},
                               {"can_be_undone", step.can_be_undone}});
  }
  for (const auto& check : report.plan.checks) object["checks"].push_back(printable(check.name));
  for (const auto& reference : report.plan.references) {
    object["checks"].push_back(printable(reference.name));
  }
  if (report.refusal) object["error"] = parse_json<json>(to_json(*report.refusal)).at("error");
  return text_of(object);
}

std::string to_json(const InPlaceReport& report) {
  json object = json_of_outcome(report.outcome);
  object["notes"] = report.notes;
  if (report.outcome.failure) {
    object["error"] = parse_json<json>(to_json(*report.outcome.failure)).at("error");
  }
  return text_of(object);
}

std::string to_json(const RunReport& report) {
  json object = parse_json<json>(to_json(report.row));
  object["journal"] = report.outcome ? json_of_outcome(*report.outcome) : json(nullptr);
  return text_of(object);
}

}  // namespace salvor::control
