#include "control/internal/report_values.h"

#include "base/bytes.h"
#include "control/report_json.h"
#include "control/runs.h"
#include "control/service_status.h"

namespace salvor::control::internal {
namespace {

ReportJson json_of_step(const recovery::StepOutcome& step) {
  ReportJson object{
      {"name", step.name}, {"result", name_of(step.result)}, {"seconds", step.seconds}};
  ReportJson data = try_parse_json<ReportJson>(step.data);
  if (!step.error.empty()) object["error"] = step.error;
  // What checks found is told once, under "checks".
  const bool told = data.is_array() && !data.empty() && data.front().is_object();
  if (!data.is_discarded() && !told) object["data"] = std::move(data);
  return object;
}

}  // namespace

std::string text_of(const ReportJson& document, int indent) {
  return write_json(document, indent, InvalidUtf8::replace);
}

void put_path(ReportJson& object, const std::string& key, std::string_view raw) {
  std::string shown = printable(raw);
  if (shown != raw) object[key + "_hex"] = to_hex(as_bytes(raw));
  object[key] = std::move(shown);
}

ReportJson json_of_drill(const DrillSummary& drill) {
  ReportJson failed = ReportJson::array();
  for (const std::string& check : drill.failed_checks) failed.push_back(printable(check));
  return {{"run", drill.run},
          {"time", format_time(drill.time)},
          {"state", name_of(drill.state)},
          {"seconds", drill.seconds},
          {"point", drill.point.empty() ? ReportJson(nullptr) : ReportJson(drill.point)},
          {"failed_checks", std::move(failed)},
          {"evidence_waits", drill.evidence_waits}};
}

ReportJson parsed(const std::string& text) {
  return try_parse_json<ReportJson>(text);
}

double seconds_of(std::int64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

ReportJson json_of_snapshot(const repo::Snapshot& snapshot) {
  ReportJson object = {{"name", snapshot.store},
                       {"type", snapshot.type},
                       {"time", format_time(snapshot.time)},
                       {"bytes", snapshot.content_bytes},
                       {"bytes_read", snapshot.bytes_read},
                       {"bytes_stored", snapshot.bytes_stored},
                       {"entries", snapshot.entries},
                       {"duration_s", seconds_of(snapshot.duration_ns)},
                       {"sockets_skipped", snapshot.sockets_skipped},
                       {"suspect", ReportJson::array()},
                       {"remarks", ReportJson::array()},
                       {"missing", ReportJson::array()},
                       {"facts", ReportJson::object()}};
  for (const std::string& why : snapshot.suspicions) object["suspect"].push_back(printable(why));
  for (const std::string& remark : snapshot.remarks) {
    object["remarks"].push_back(printable(remark));
  }
  for (const repo::Missing& missing : snapshot.missing) {
    ReportJson item;
    put_path(item, "path", stores::path_of_key(missing.key));
    item["reason"] = printable(missing.reason);
    object["missing"].push_back(std::move(item));
  }
  if (snapshot.missing_more != 0) object["missing_more"] = snapshot.missing_more;
  for (const auto& [name, value] : snapshot.facts) object["facts"][name] = printable(value);
  return object;
}

ReportJson json_of_point(const repo::Point& point) {
  ReportJson object = {
      {"id", point.id.hex()},
      {"service", printable(point.service)},
      {"time", format_time(point.time)},
      {"state", std::string(point.state())},
      {"host", point.host().empty() ? ReportJson(nullptr) : ReportJson(printable(point.host()))},
      {"suspect", point.is_suspect()},
      {"accepted", point.accepted},
      {"stores", ReportJson::array()},
      {"version", printable(point.version)},
      {"facts", ReportJson::object()},
      {"snapshots", ReportJson::array()}};
  for (const auto& [name, value] : point.facts) object["facts"][name] = printable(value);
  for (const repo::Snapshot& snapshot : point.snapshots) {
    object["stores"].push_back(snapshot.store);
    object["snapshots"].push_back(json_of_snapshot(snapshot));
  }
  if (point.is_safety_snapshot()) object["purpose"] = "safety";
  if (point.is_partial()) object["partial"] = true;
  const auto run = point.facts.find("run");
  if (run != point.facts.end()) object["run"] = printable(run->second);
  return object;
}

ReportJson json_of_error(const Error& error) {
  return {{"code", std::string(label(error.code()))},
          {"message", error.message()},
          {"hint", error.hint()},
          {"exit", exit_status(error.code())}};
}

ReportJson json_of_run(const catalog::RunRow& run) {
  ReportJson object = {
      {"id", run.id.text},
      {"service", printable(run.service)},
      {"kind", std::string(name_of(run.kind))},
      {"state", std::string(name_of(run.state))},
      {"started", format_time(run.started)},
      {"ended", run.ended ? ReportJson(format_time(*run.ended)) : ReportJson(nullptr)},
      {"trigger", printable(run.trigger)},
      {"error", run.error},
      {"in_place", or_null(is_in_place(run))}};
  return object;
}

ReportJson json_of_slots(const std::vector<repo::SlotInfo>& slots) {
  ReportJson array = ReportJson::array();
  for (const repo::SlotInfo& slot : slots) {
    array.push_back({{"id", slot.id.hex()},
                     {"kind", slot.kind == repo::SlotKind::passphrase ? "passphrase" : "recipient"},
                     {"label", printable(slot.label)},
                     {"created", printable(slot.created)},
                     {"in_use", slot.in_use}});
  }
  return array;
}

ReportJson json_of_outcome(const recovery::RunOutcome& outcome, double seconds) {
  ReportJson object{{"run", outcome.plan.run},
                    {"service", printable(outcome.plan.service)},
                    {"point", outcome.plan.point},
                    {"point_time", format_time(outcome.plan.point_time)},
                    {"mode", name_of(outcome.plan.mode)},
                    {"state", name_of(outcome.state)},
                    {"seconds", seconds},
                    {"healthy", outcome.healthy},
                    {"steps", ReportJson::array()},
                    {"checks", nullptr},
                    {"safety_points", outcome.safety_points},
                    {"kept", ReportJson::array()},
                    {"removed", ReportJson::array()},
                    {"left", ReportJson::array()},
                    {"deviations", ReportJson::array()}};
  for (const auto& step : outcome.steps) object["steps"].push_back(json_of_step(step));
  object["checks"] = parse_json<ReportJson>(to_json(outcome.checks));
  for (const std::string& path : outcome.kept) object["kept"].push_back(printable(path));
  for (const std::string& path : outcome.removed) object["removed"].push_back(printable(path));
  for (const std::string& line : outcome.left) object["left"].push_back(printable(line));
  for (const std::string& line : outcome.deviations) {
    object["deviations"].push_back(printable(line));
  }
  return object;
}

}  // namespace salvor::control::internal
