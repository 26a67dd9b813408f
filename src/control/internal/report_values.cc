#include "control/internal/report_values.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "control/report_json.h"
#include "control/runs.h"
#include "control/service_status.h"
#include "control/whole_commands.h"

namespace salvor::control::internal {
namespace {

ReportJson json_of_step(const recovery::StepOutcome& step) {
  ReportJson object{
      {"name", name_of(step.id)}, {"result", name_of(step.result)}, {"seconds", step.seconds}};
  ReportJson data = try_parse_json<ReportJson>(step.data);
  if (!step.error.empty()) object["error"] = step.error;
  // Findings of checks are listed once, under "checks".
  const bool told = data.is_array() && !data.empty() && data.front().is_object();
  if (!data.is_discarded() && !told) object["data"] = std::move(data);
  return object;
}

ReportJson json_of_check(const checks::CheckOutcome& check) {
  ReportJson object{{"name", printable(check.name)},
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

}  // namespace

namespace {

/// What people read, in reports and events: everything else is data, and stays as it is.
bool is_told(std::string_view key) {
  constexpr std::array kTold{"message", "hint",  "reasons",     "warnings", "notes", "text",
                             "what",    "where", "not_covered", "undo",     "left",  "problem"};
  return std::ranges::find(kTold, key) != kTold.end();
}

void make_commands_whole(ReportJson& value, bool told) {
  if (value.is_string() && told) {
    value = whole_commands(value.get_ref<const std::string&>());
  } else if (value.is_array()) {
    for (ReportJson& item : value) make_commands_whole(item, told);
  } else if (value.is_object()) {
    for (auto& [key, member] : value.items()) make_commands_whole(member, is_told(key));
  }
}

}  // namespace

std::string text_of(const ReportJson& document, int indent) {
  if (!was_called_with_configuration()) return write_json(document, indent, InvalidUtf8::replace);
  ReportJson whole = document;
  make_commands_whole(whole, false);
  return write_json(whole, indent, InvalidUtf8::replace);
}

void put_path(ReportJson& object, const std::string& key, std::string_view raw) {
  std::string shown = printable(raw);
  if (shown != raw) object[key + "_hex"] = to_hex(as_bytes(raw));
  object[key] = std::move(shown);
}

ReportJson json_of_drill(const DrillSummary& drill) {
  return {{"run", drill.run},
          {"time", format_time(drill.time)},
          {"state", name_of(drill.state)},
          {"seconds", drill.seconds},
          {"point", drill.point.is_zero() ? ReportJson(nullptr) : ReportJson(drill.point.hex())},
          {"failed_checks", shown(drill.failed_checks)},
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
                       {"suspect", shown(snapshot.suspicions)},
                       {"remarks", shown(snapshot.remarks)},
                       {"missing", ReportJson::array()},
                       {"facts", ReportJson::object()}};
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
      {"host", shown_or_null(point.host())},
      {"suspect", point.is_suspect()},
      {"accepted", point.accepted},
      {"stores",
       list_of(point.snapshots, [](const repo::Snapshot& snapshot) { return snapshot.store; })},
      {"version", printable(point.version)},
      {"facts", ReportJson::object()},
      {"snapshots", list_of(point.snapshots, json_of_snapshot)}};
  for (const auto& [name, value] : point.facts) object["facts"][name] = printable(value);
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
  return list_of(slots, [](const repo::SlotInfo& slot) {
    return ReportJson{
        {"id", slot.id.hex()},
        {"kind", slot.kind == repo::SlotKind::passphrase ? "passphrase" : "recipient"},
        {"label", printable(slot.label)},
        {"created", printable(slot.created)},
        {"in_use", slot.in_use}};
  });
}

ReportJson json_of_checks(const std::vector<checks::CheckOutcome>& checks) {
  return list_of(checks, json_of_check);
}

ReportJson shown(const std::vector<std::string>& texts) {
  return list_of(texts, [](const std::string& text) { return printable(text); });
}

ReportJson shown_or_null(const std::string& text) {
  return text.empty() ? ReportJson(nullptr) : ReportJson(printable(text));
}

ReportJson json_of_outcome(const recovery::RunOutcome& outcome, double seconds) {
  ReportJson object{{"run", outcome.plan.run},
                    {"service", printable(outcome.plan.service)},
                    {"point", outcome.plan.point_text()},
                    {"point_time", format_time(outcome.plan.point_time)},
                    {"mode", name_of(outcome.plan.mode)},
                    {"state", name_of(outcome.state)},
                    {"seconds", seconds},
                    {"healthy", outcome.healthy},
                    {"steps", list_of(outcome.steps, json_of_step)},
                    {"checks", json_of_checks(outcome.checks)},
                    {"safety_points", list_of(outcome.safety_points,
                                              [](const repo::PointId& id) { return id.hex(); })},
                    {"kept", shown(outcome.kept)},
                    {"removed", shown(outcome.removed)},
                    {"left", shown(outcome.left)},
                    {"deviations", shown(outcome.deviations)}};
  return object;
}

}  // namespace salvor::control::internal
