#include "evidence/internal/statement.h"

#include <fmt/format.h>

#include <cmath>

#include "base/json.h"
#include "codec/hash.h"
#include "evidence/internal/envelope.h"
#include "repo/records.h"

namespace salvor::evidence::internal {
namespace {

using nlohmann::json;

// However much a run met, its record stays far below the repository's limit.
constexpr std::size_t kTextBytesMax = 1024;

/// Text from outside: readable, and bounded.
std::string shown(std::string_view raw) {
  if (raw.size() <= kTextBytesMax) return printable(raw);
  return fmt::format("{} … ({} bytes)", printable(raw.substr(0, kTextBytesMax)), raw.size());
}

void put(json& object, const char* name, std::string_view text) {
  if (!text.empty()) object[name] = shown(text);
}

/// Milliseconds are enough, and every reader of JSON gives the same number for them.
void put(json& object, const char* name, const std::optional<double>& seconds) {
  if (seconds && std::isfinite(*seconds)) object[name] = std::round(*seconds * 1000) / 1000;
}

template <class Number>
void put_number(json& object, const char* name, const std::optional<Number>& number) {
  if (number) object[name] = *number;
}

/// A list, where it is not empty; what does not fit is counted as `<name>_omitted`.
template <class Items, class ToJson>
void put_list(json& object, const std::string& name, const Items& items, const ToJson& to_json) {
  if (items.empty()) return;
  json list = json::array();
  for (const auto& item : items) {
    if (list.size() == kItemsMax) break;
    list.push_back(to_json(item));
  }
  if (items.size() > kItemsMax) object[name + "_omitted"] = items.size() - kItemsMax;
  object[name] = std::move(list);
}

void put_object(json& object, const char* name, json value) {
  if (!value.empty()) object[name] = std::move(value);
}

json signed_form_of(const repo::Point& point) {
  json object = {{"id", point.id.hex()}, {"time", format_time(point.time)}};
  if (point.is_safety_snapshot()) object["purpose"] = "safety";
  if (point.is_partial()) object["partial"] = true;
  put_list(object, "stores", point.snapshots, [](const repo::Snapshot& snapshot) {
    json store = {{"name", shown(snapshot.store)},
                  {"type", shown(snapshot.type)},
                  {"entries", snapshot.entries},
                  {"bytes", snapshot.content_bytes},
                  {"root", snapshot.root.hex()}};
    if (!snapshot.missing.empty()) store["missing"] = snapshot.missing.size();
    return store;
  });
  return object;
}

json signed_form_of(const EvidencePhase& phase) {
  json object = {{"step", shown(phase.step)}};
  put(object, "seconds", phase.seconds);
  put(object, "result", phase.result);
  return object;
}

json signed_form_of(const checks::CheckOutcome& check) {
  json object = {{"name", shown(check.name)}, {"verdict", name_of(check.verdict)}};
  put(object, "kind", check.kind);
  put(object, "store", check.store);
  put(object, "command_sha256", check.command_sha256);
  put(object, "expected", check.expected);
  put(object, "actual", check.actual);
  if (!check.output.empty()) object["output_sha256"] = sha256_hex(check.output);
  put(object, "seconds", std::optional(check.seconds));
  put_number(object, "missing", check.missing);
  put_number(object, "orphans", check.orphans);
  return object;
}

json subject_of(repo::Repository& repository, const EvidenceRecord& record) {
  if (record.point) {
    return {{"name", "recovery point " + record.point->id.hex()},
            {"digest", {{"sha256", to_hex(codec::sha256(repo::encode(*record.point)))}}}};
  }
  // The newest log entry holds the digest of the one before, and so stands for the whole log.
  return {{"name", "repository " + repository.id().hex()},
          {"digest", {{"sha256", to_hex(repo::log_head(repository))}}}};
}

/// Without spaces and with sorted keys: this library's way to write JSON is canonical.
std::string statement(std::string_view type, json subject, json predicate) {
  const json whole = {{"_type", kStatementType},
                      {"subject", json::array({std::move(subject)})},
                      {"predicateType", type},
                      {"predicate", std::move(predicate)}};
  return write_json(whole);
}

}  // namespace

std::string statement_of(repo::Repository& repository, const EvidenceRecord& record,
                         const RecordPosition& position) {
  json predicate = {{"sequence", position.sequence},       {"previous", position.previous},
                    {"repository", repository.id().hex()}, {"kind", shown(record.kind)},
                    {"service", shown(record.service)},    {"started", format_time(record.started)},
                    {"ended", format_time(record.ended)},  {"result", shown(record.result)}};
  put(predicate, "run", record.run);
  put(predicate, "host", record.host);
  put(predicate, "salvor", record.version);
  put(predicate, "trigger", record.trigger);
  put(predicate, "policy", record.policy_sha256);
  put(predicate, "started_by", record.started_by);
  put(predicate, "confirmed_by", record.confirmed_by);
  json told = json::object();
  put(told, "started_by", record.told_started_by);
  put(told, "approved_by", record.told_approved_by);
  put_number(told, "uid", record.told_by_uid);
  put_object(predicate, "told", std::move(told));
  if (record.point) predicate["point"] = signed_form_of(*record.point);
  json objectives = json::object();
  put_number(objectives, "rpo_s", record.rpo_objective_s);
  put_number(objectives, "rto_s", record.rto_objective_s);
  put_object(predicate, "objectives", std::move(objectives));
  json measured = json::object();
  put(measured, "rpo_s", record.rpo_measured_s);
  put(measured, "rto_s", record.rto_measured_s);
  put_list(measured, "phases", record.phases,
           [](const EvidencePhase& phase) { return signed_form_of(phase); });
  put_object(predicate, "measured", std::move(measured));
  put_list(predicate, "checks", record.checks,
           [](const checks::CheckOutcome& check) { return signed_form_of(check); });
  put_list(predicate, "deviations", record.deviations, shown);
  put_list(predicate, "warnings", record.warnings, shown);
  put_list(predicate, "not_covered", record.not_covered, shown);
  put_list(predicate, "lost", record.lost, [](const LostEvidence& lost) {
    json object = {{"record", lost.record}};
    put(object, "sha256", lost.digest);
    return object;
  });
  return statement(kRecordType, subject_of(repository, record), std::move(predicate));
}

std::string head_statement(repo::Repository& repository, const std::string& service,
                           const EvidenceHead& head, const std::vector<std::uint64_t>& gaps,
                           Time exported) {
  const std::string digest = head.digest.empty() ? sha256_hex("") : head.digest;
  json predicate = {{"service", shown(service)},
                    {"repository", repository.id().hex()},
                    {"sequence", head.sequence},
                    {"digest", head.digest},
                    {"exported", format_time(exported)}};
  // All of them: what is not among them was cut out of the file.
  put_object(predicate, "gaps", json(gaps));
  return statement(kHeadType,
                   {{"name", "evidence record " + std::to_string(head.sequence)},
                    {"digest", {{"sha256", digest}}}},
                   std::move(predicate));
}

}  // namespace salvor::evidence::internal
