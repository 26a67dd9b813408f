#include "control/report_json.h"

#include <fmt/format.h>

#include <optional>

#include "control/internal/report_values.h"

namespace salvor::control {
namespace {

using internal::or_null;
using internal::put_path;
using internal::text_of;
using json = internal::ReportJson;

json parsed(const std::string& text) {
  return try_parse_json<json>(text);
}

double seconds_of(std::int64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

json json_of_snapshot(const repo::Snapshot& snapshot) {
  json object = {{"name", snapshot.store},
                 {"type", snapshot.type},
                 {"time", format_time(snapshot.time)},
                 {"bytes", snapshot.content_bytes},
                 {"bytes_read", snapshot.bytes_read},
                 {"bytes_stored", snapshot.bytes_stored},
                 {"entries", snapshot.entries},
                 {"duration_s", seconds_of(snapshot.duration_ns)},
                 {"sockets_skipped", snapshot.sockets_skipped},
                 {"suspect", json::array()},
                 {"remarks", json::array()},
                 {"missing", json::array()},
                 {"facts", json::object()}};
  for (const std::string& why : snapshot.suspicions) object["suspect"].push_back(printable(why));
  for (const std::string& remark : snapshot.remarks) {
    object["remarks"].push_back(printable(remark));
  }
  for (const repo::Missing& missing : snapshot.missing) {
    json item;
    put_path(item, "path", stores::path_of_key(missing.key));
    item["reason"] = printable(missing.reason);
    object["missing"].push_back(std::move(item));
  }
  if (snapshot.missing_more != 0) object["missing_more"] = snapshot.missing_more;
  for (const auto& [name, value] : snapshot.facts) object["facts"][name] = printable(value);
  return object;
}

json json_of_point(const repo::Point& point) {
  json object = {{"id", point.id.hex()},
                 {"service", printable(point.service)},
                 {"time", format_time(point.time)},
                 {"state", std::string(point.state())},
                 {"host", point.host().empty() ? json(nullptr) : json(printable(point.host()))},
                 {"suspect", point.is_suspect()},
                 {"accepted", point.accepted},
                 {"stores", json::array()},
                 {"version", printable(point.version)},
                 {"facts", json::object()},
                 {"snapshots", json::array()}};
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

json json_of_error(const Error& error) {
  return {{"code", std::string(label(error.code()))},
          {"message", error.message()},
          {"hint", error.hint()},
          {"exit", exit_status(error.code())}};
}

json json_of_run(const catalog::RunRow& run) {
  json object = {{"id", run.id.text},
                 {"service", printable(run.service)},
                 {"kind", std::string(name_of(run.kind))},
                 {"state", std::string(name_of(run.state))},
                 {"started", format_time(run.started)},
                 {"ended", run.ended ? json(format_time(*run.ended)) : json(nullptr)},
                 {"trigger", printable(run.trigger)},
                 {"error", run.error}};
  return object;
}

json json_of_backup(const BackupReport& report) {
  const repo::Point& point = report.result.point;
  json object = {{"point", point.id.hex()},         {"service", report.service},
                 {"time", format_time(point.time)}, {"run", report.run},
                 {"duration_s", report.duration_s}, {"state", std::string(point.state())},
                 {"warnings", json::array()},       {"stores", json::array()}};
  for (const std::string& warning : report.warnings) object["warnings"].push_back(warning);
  for (const repo::Snapshot& snapshot : point.snapshots) {
    object["stores"].push_back(json_of_snapshot(snapshot));
  }
  object["warnings"] = report.warnings;
  return object;
}

json json_of_slots(const std::vector<repo::SlotInfo>& slots) {
  json array = json::array();
  for (const repo::SlotInfo& slot : slots) {
    array.push_back({{"id", slot.id.hex()},
                     {"kind", slot.kind == repo::SlotKind::passphrase ? "passphrase" : "recipient"},
                     {"label", printable(slot.label)},
                     {"created", printable(slot.created)},
                     {"in_use", slot.in_use}});
  }
  return array;
}

json json_of_status(const ServiceStatus& status) {
  json object = {{"service", status.service},
                 {"state", std::string(name_of(status.health()))},
                 {"reasons", json::array()},
                 {"host", status.host.empty() ? json(nullptr) : json(printable(status.host))},
                 {"writes_held_by", or_null(status.held_by)},
                 {"newest", nullptr},
                 {"achieved_rpo_s", or_null(status.achieved_rpo_s)},
                 {"rpo_s", or_null(status.rpo_s)},
                 {"rpo_met", status.rpo_met},
                 {"rto_s", or_null(status.rto_s)},
                 {"proven_rto_s", or_null(status.proven_rto_s)},
                 {"rto_met", status.rto_met},
                 {"last_drill", nullptr},
                 {"never_drilled", status.never_drilled},
                 {"drill_stale", status.drill_stale},
                 {"open_restore", or_null(status.open_restore)},
                 {"kept", json::array()},
                 {"stores_without_point", status.stores_without_point},
                 {"uncovered", json::array()},
                 {"not_covered", status.not_covered},
                 {"evidence_waiting", status.evidence_waiting},
                 {"last_backup", nullptr},
                 {"last_restore", nullptr}};
  for (const Reason& reason : status.reasons) {
    object["reasons"].push_back(printable(reason.text));
  }
  if (status.newest) object["newest"] = json_of_point(*status.newest);
  if (status.last_drill) object["last_drill"] = internal::json_of_drill(*status.last_drill);
  for (const std::string& path : status.kept) object["kept"].push_back(printable(path));
  for (const UncoveredPath& path : status.uncovered) {
    json item;
    put_path(item, "path", path.path);
    item["sqlite"] = path.sqlite;
    object["uncovered"].push_back(std::move(item));
  }
  if (status.last_backup) object["last_backup"] = json_of_run(*status.last_backup);
  if (status.last_restore) object["last_restore"] = json_of_run(*status.last_restore);
  return object;
}

json json_of_gap(const evidence::EvidenceGap& gap) {
  return {{"record", gap.record},
          {"sha256", gap.digest.empty() ? json(nullptr) : json(printable(gap.digest))},
          {"named_by", gap.named_by == 0 ? json(nullptr) : json(gap.named_by)},
          {"since", gap.named_by == 0 ? json(nullptr) : json(printable(gap.since))}};
}

json json_of_gaps(const std::vector<evidence::EvidenceGap>& gaps) {
  json list = json::array();
  for (const evidence::EvidenceGap& gap : gaps) list.push_back(json_of_gap(gap));
  return list;
}

json json_of_older(const OlderCopy& older) {
  return {{"seen", older.seen},
          {"found", older.found},
          {"lost", older.lost},
          {"resumed", older.resumed}};
}

std::string_view name_of(Change change) {
  switch (change) {
    case Change::added:
      return "added";
    case Change::removed:
      return "removed";
    case Change::modified:
      return "modified";
    case Change::metadata:
      return "metadata";
  }
  return "unknown";
}

}  // namespace

std::string to_json(const InitReport& report) {
  return text_of(
      {{"repository", report.repository},
       {"location", printable(report.location)},
       {"keys", json_of_slots(report.slots)},
       {"new_key_file",
        report.new_key_file.empty() ? json(nullptr) : json(printable(report.new_key_file))}});
}

std::string to_json(const ConfigCheckReport& report) {
  json object = {{"good", report.good()},
                 {"host", printable(report.host)},
                 {"notes", report.notes},
                 {"file", printable(report.file)},
                 {"repository",
                  {{"location", printable(report.location)},
                   {"absent", report.repository_absent},
                   {"problem", report.repository_problem}}},
                 {"warnings", json::array()},
                 {"stores", json::array()}};
  for (const std::string& line : report.warnings) object["warnings"].push_back(printable(line));
  for (const StoreReachability& store : report.stores) {
    json item = {{"service", store.service}, {"name", store.store}, {"type", store.type}};
    put_path(item, "path", store.path);
    item["problem"] = store.problem;
    object["stores"].push_back(std::move(item));
  }
  object["warnings"] = report.warnings;
  return text_of(object);
}

std::string to_json(const BackupReport& report) {
  return text_of(json_of_backup(report));
}

std::string to_json(const std::vector<BackupReport>& reports) {
  json object = {{"backups", json::array()}};
  for (const BackupReport& report : reports) {
    if (!report.failure) {
      object["backups"].push_back(json_of_backup(report));
    } else if (!object.contains("error")) {
      object["error"] = json_of_error(*report.failure);
    }
  }
  return text_of(object);
}

std::string to_json(const PointsReport& report) {
  json object = {{"points", json::array()}, {"windows", json::array()}};
  for (const repo::Point& point : report.points) object["points"].push_back(json_of_point(point));
  for (const Window& window : report.windows) {
    object["windows"].push_back({{"service", window.service},
                                 {"store", window.store},
                                 {"from", format_time(window.from)},
                                 {"to", format_time(window.to)},
                                 {"timeline", window.timeline}});
  }
  return text_of(object);
}

std::string to_json(const AcceptReport& report) {
  return text_of({{"point", report.point.id.hex()},
                  {"service", printable(report.point.service)},
                  {"state", std::string(report.point.state())},
                  {"was_suspect", report.was_suspect}});
}

std::string to_json(const RestoreReport& report) {
  json object = {{"run", report.run},
                 {"service", printable(report.point.service)},
                 {"point", report.point.id.hex()},
                 {"time", format_time(report.point.time)},
                 {"stores", json::array()},
                 {"notes", report.notes},
                 {"duration_s", report.duration_s}};
  for (const RestoredStore& store : report.stores) {
    json item = {{"name", store.name}, {"type", store.type}};
    put_path(item, "path", store.path);
    item["entries"] = store.result.entries;
    item["bytes"] = store.result.bytes;
    item["bytes_written"] = store.result.bytes_written;
    item["duration_s"] = store.duration_s;
    item["moved_aside"] = store.result.sink.moved_aside;
    item["moved_aside_to"] = printable(store.result.sink.moved_aside_to);
    item["warnings"] = json::array();
    for (const std::string& warning : store.result.sink.warnings) {
      item["warnings"].push_back(printable(warning));
    }
    object["stores"].push_back(std::move(item));
  }
  return text_of(object);
}

std::string to_json(const VerifyReport& report) {
  const repo::CheckReport& check = report.check;
  json object = {{"sound", check.sound()},
                 {"run", report.run},
                 {"data", check.data},
                 {"findings", json::array()},
                 {"affected", json::array()},
                 {"repaired", json::array()},
                 {"log_entries", check.log_entries},
                 {"packs", check.packs},
                 {"pack_bytes", check.pack_bytes},
                 {"chunks", check.chunks},
                 {"points", check.points},
                 {"snapshots", check.snapshots},
                 {"duration_s", report.duration_s},
                 {"repository", report.repository},
                 {"accepted", report.accepted ? json_of_older(*report.accepted) : json(nullptr)}};
  for (const repo::Finding& finding : check.findings) {
    const bool damage = finding.severity == repo::Finding::Severity::damage;
    object["findings"].push_back({{"severity", damage ? "damage" : "note"},
                                  {"object", printable(finding.object)},
                                  {"what", printable(finding.what)}});
  }
  for (const repo::Affected& affected : check.affected) {
    json item = {{"point", affected.point.hex()},
                 {"service", printable(affected.service)},
                 {"store", printable(affected.store)}};
    put_path(item, "path", stores::path_of_key(affected.key));
    item["and_more"] = affected.and_more;
    object["affected"].push_back(std::move(item));
  }
  for (const std::string& line : report.repaired) object["repaired"].push_back(printable(line));
  if (const auto damage = report.damage()) object["error"] = json_of_error(*damage);
  return text_of(object);
}

std::string to_json(const StatusReport& report) {
  json object = {{"services", json::array()}};
  for (const ServiceStatus& status : report.services) {
    object["services"].push_back(json_of_status(status));
  }
  object["warnings"] = report.warnings;
  if (report.repository_failure) object["error"] = json_of_error(*report.repository_failure);
  return text_of(object);
}

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

std::string to_json(const std::vector<repo::SlotInfo>& keys) {
  return text_of({{"keys", json_of_slots(keys)}});
}

std::string to_json(const Error& error) {
  return text_of({{"error", json_of_error(error)}});
}

std::string to_json(const ListedEntry& listed) {
  const stores::Entry& entry = listed.entry;
  json object;
  put_path(object, "path", stores::path_of_key(listed.key));
  object["kind"] = std::string(name_of(entry.kind));
  object["mode"] = fmt::format("{:04o}", entry.mode);
  object["uid"] = entry.uid;
  object["gid"] = entry.gid;
  object["size"] = entry.size;
  object["mtime"] = format_time(entry.mtime);
  if (entry.kind == stores::EntryKind::symlink) put_path(object, "target", as_text(entry.target));
  if (entry.kind == stores::EntryKind::hard_link) {
    put_path(object, "target", stores::path_of_key(entry.target));
  }
  if (entry.unstable) object["unstable"] = true;
  return text_of(object, -1);
}

std::string to_json(const DiffEntry& entry) {
  json object = {{"store", printable(entry.store)}, {"change", std::string(name_of(entry.change))}};
  put_path(object, "path", stores::path_of_key(entry.key));
  object["size_before"] = entry.size_before;
  object["size_after"] = entry.size_after;
  return text_of(object, -1);
}

std::string to_json(const std::vector<EvidenceRow>& rows) {
  json object = {{"evidence", json::array()}};
  for (const EvidenceRow& row : rows) {
    json item = {{"service", printable(row.service)},
                 {"sequence", row.waits ? json(nullptr) : json(row.sequence)},
                 {"waits", row.waits}};
    if (row.problem.empty()) {
      item["kind"] = row.summary.kind;
      item["result"] = row.summary.result;
      item["started"] = row.summary.started;
      item["ended"] = row.summary.ended;
      item["point"] = row.summary.point.empty() ? json(nullptr) : json(row.summary.point);
      item["run"] = row.summary.run;
    } else {
      item["problem"] = row.problem;
    }
    if (row.gap) item["gap"] = json_of_gap(*row.gap);
    object["evidence"].push_back(std::move(item));
  }
  return text_of(object);
}

std::string to_json(const ExportedEvidence& exported) {
  json object = {{"service", printable(exported.service)}};
  put_path(object, "file", exported.file);
  put_path(object, "page", exported.page);
  object["records"] = exported.verified.records;
  object["key_id"] = exported.verified.key_id;
  object["gaps"] = json_of_gaps(exported.verified.gaps);
  return text_of(object);
}

std::string to_json(const EvidenceVerification& verification) {
  json object = {{"sound", verification.sound()}, {"chains", json::array()}};
  for (const evidence::EvidenceReport& chain : verification.chains) {
    json item = {{"service", printable(chain.service)},
                 {"records", chain.records},
                 {"key_id", chain.key_id},
                 {"key_was_given", chain.key_was_given},
                 {"repository", printable(chain.repository)},
                 {"problems", json::array()},
                 {"gaps", json_of_gaps(chain.gaps)}};
    if (!chain.exported.empty()) item["exported"] = chain.exported;
    for (const evidence::EvidenceProblem& problem : chain.problems) {
      item["problems"].push_back(
          {{"record", problem.record == 0 ? json(nullptr) : json(problem.record)},
           {"what", printable(problem.what)}});
    }
    object["chains"].push_back(std::move(item));
  }
  return text_of(object);
}

std::string json_of_texts(const std::vector<std::pair<std::string, std::string>>& members) {
  json object = json::object();
  for (const auto& [name, value] : members) object[name] = value;
  return text_of(object);
}

std::string version_json() {
  return text_of({{"version", std::string(version())}, {"format", format_version()}});
}

}  // namespace salvor::control
