#include "control/read_evidence.h"

#include "control/internal/report_values.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::put_path;
using internal::text_of;
using json = internal::ReportJson;

json json_of_gap(const evidence::EvidenceGap& gap) {
  return {{"record", gap.record},
          {"sha256", internal::shown_or_null(gap.digest)},
          {"named_by", gap.named_by == 0 ? json(nullptr) : json(gap.named_by)},
          {"since", gap.named_by == 0 ? json(nullptr) : json(printable(gap.since))}};
}

}  // namespace

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
  object["gaps"] = internal::list_of(exported.verified.gaps, json_of_gap);
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
                 {"gaps", internal::list_of(chain.gaps, json_of_gap)}};
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

}  // namespace salvor::control
