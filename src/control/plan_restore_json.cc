#include "control/plan_restore.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

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

}  // namespace

std::string to_json(const RestorePlanReport& report) {
  json object{
      {"service", report.plan.service},
      {"point", report.point.id.hex()},
      {"time", format_time(report.point.time)},
      {"state", std::string(report.point.state())},
      {"host", internal::shown_or_null(report.point.host())},
      {"lost_s", report.lost_s},
      {"expected_s", or_null(report.expected_s)},
      {"expected_is_least", report.expected_s && report.expected_is_least},
      {"targets", internal::list_of(report.targets, json_of_target)},
      {"space", json::array()},
      {"steps", json::array()},
      {"checks", json::array()},
      {"untouched", report.untouched},
      {"warnings", report.warnings},
      {"open_restore", or_null(report.open_restore)},
      {"last_drill", report.last_drill ? internal::json_of_drill(*report.last_drill) : json()},
      {"undo", report.undo}};
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
  if (report.refusal) object["error"] = internal::json_of_error(*report.refusal);
  return text_of(object);
}

}  // namespace salvor::control
