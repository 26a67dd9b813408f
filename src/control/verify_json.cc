#include "control/verify.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::json_of_error;
using internal::put_path;
using internal::text_of;
using json = internal::ReportJson;

json json_of_older(const OlderCopy& older) {
  return {{"seen", older.seen},
          {"found", older.found},
          {"lost", older.lost},
          {"resumed", older.resumed},
          {"refused", older.refused}};
}

}  // namespace

std::string to_json(const VerifyReport& report) {
  const repo::CheckReport& check = report.check;
  json object = {{"sound", check.sound()},
                 {"run", report.run},
                 {"data", check.data},
                 {"findings", json::array()},
                 {"affected", json::array()},
                 {"repaired", internal::shown(report.repaired)},
                 {"unreadable", report.check.unreadable_names()},
                 {"warnings", report.logged},
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
  for (const std::string& record : report.unreadable) object["unreadable"].push_back(record);
  if (const auto damage = report.damage()) object["error"] = json_of_error(*damage);
  return text_of(object);
}

}  // namespace salvor::control
