#include "control/internal/policy.h"

#include "base/json.h"
#include "codec/hash.h"

namespace salvor::control::internal {
namespace {

using nlohmann::json;

template <class Value>
void put(json& object, const char* name, const std::optional<Value>& value) {
  if (value) object[name] = *value;
}

void put_texts(json& object, const char* name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  for (const std::string& text : texts) object[name].push_back(printable(text));
}

json json_of(const config::FilesStoreConfig& store) {
  json object = {
      {"path", printable(store.path.native())},
      {"one_file_system", store.one_file_system},
      {"on_unreadable", store.on_unreadable == config::OnUnreadable::fail ? "fail" : "warn"}};
  put_texts(object, "exclude", store.exclude);
  return object;
}

json json_of(const config::SqliteStoreConfig& store) {
  return {{"path", printable(store.path.native())}};
}

json json_of(const config::StoreConfig& store) {
  json object = std::visit([](const auto& details) { return json_of(details); }, store.details);
  object["name"] = store.name;
  object["type"] = store.type();
  if (store.canary()) object["canary"] = true;
  // As usual: left out, so that digests of before stay the same.
  if (store.shrink_percent != config::StoreConfig().shrink_percent) {
    object["shrink"] = store.shrink_percent.value_or(0);
  }
  return object;
}

json json_of(const config::ExecCheck& check) {
  return {{"run", check.run}};
}

json json_of(const config::SqlCheck& check) {
  return {{"store", check.store}, {"sql", check.sql}};
}

json json_of(const config::HttpCheck& check) {
  json object = {{"http", check.url}, {"status", check.status}};
  put(object, "contains", check.contains);
  return object;
}

json json_of(const config::PathCheck& check) {
  json object = {{"store", check.store}, {"path", check.path}, {"min_bytes", check.min_bytes}};
  put(object, "sha256", check.sha256);
  return object;
}

json json_of(const config::LogProbe& probe) {
  return {{"log", printable(probe.log.native())}, {"pattern", probe.pattern}, {"max", probe.max}};
}

json json_of(const config::CheckConfig& check) {
  json object = std::visit([](const auto& test) { return json_of(test); }, check.test);
  object["name"] = check.name;
  object["timeout"] = check.timeout_s;
  if (check.isolated) object["isolated"] = true;
  return object;
}

json json_of(const config::ReferenceConfig& reference) {
  return {{"name", reference.name},
          {"from", reference.from},
          {"sql", reference.sql},
          {"in", reference.in}};
}

json json_of(const config::WritesConfig& writes) {
  json object = {{"lock", writes.lock}, {"unlock", writes.unlock}, {"timeout", writes.timeout_s}};
  put(object, "locked", writes.locked);
  return object;
}

json json_of(const config::MigrateConfig& migrate) {
  json object = {{"run", migrate.run}, {"timeout", migrate.timeout_s}};
  put(object, "needed", migrate.needed);
  if (migrate.isolated) object["isolated"] = true;
  return object;
}

json json_of(const config::RebuildConfig& rebuild) {
  json object = {{"name", rebuild.name}, {"run", rebuild.run}, {"timeout", rebuild.timeout_s}};
  if (rebuild.isolated) object["isolated"] = true;
  return object;
}

json json_of(const config::WatchConfig& watch) {
  json object = {{"duration", watch.duration_s},
                 {"every", watch.every_s},
                 {"max_failures", watch.failures_max}};
  for (const config::CheckConfig& probe : watch.probes) object["probe"].push_back(json_of(probe));
  return object;
}

json json_of(const config::ScheduleConfig& schedule) {
  json object = {{"timezone", schedule.zone == service::TimeZone::utc ? "UTC" : "local"}};
  if (schedule.backup) object["backup"] = schedule.backup->text();
  if (schedule.verify) object["verify"] = schedule.verify->text();
  if (schedule.drill) object["drill"] = schedule.drill->text();
  return object;
}

json json_of(const config::RetentionConfig& retention) {
  json object = {{"last", retention.last},       {"hourly", retention.hourly},
                 {"daily", retention.daily},     {"weekly", retention.weekly},
                 {"monthly", retention.monthly}, {"yearly", retention.yearly}};
  put(object, "within", retention.within_s);
  put(object, "window", retention.window_s);
  return object;
}

}  // namespace

std::string policy_sha256(const config::ServiceConfig& service) {
  json object = {{"name", service.name},
                 {"quiesce", service.quiesce},
                 {"schedule", json_of(service.schedule)}};
  if (!service.owner.empty()) object["owner"] = service.owner;
  if (service.shared) object["shared"] = true;
  put(object, "rpo", service.rpo_s);
  put(object, "rto", service.rto_s);
  put_texts(object, "contacts", service.contacts);
  put_texts(object, "links", service.links);
  for (const auto& path : service.protect) object["protect"].push_back(printable(path.native()));
  if (service.runbook) object["runbook"] = printable(service.runbook->native());
  for (const config::StoreConfig& store : service.stores) object["store"].push_back(json_of(store));
  if (service.writes) object["writes"] = json_of(*service.writes);
  if (service.migrate) object["migrate"] = json_of(*service.migrate);
  for (const config::RebuildConfig& each : service.rebuild)
    object["rebuild"].push_back(json_of(each));
  for (const config::CheckConfig& each : service.checks) object["check"].push_back(json_of(each));
  for (const auto& each : service.references) object["reference"].push_back(json_of(each));
  if (service.return_to_service) {
    object["return"] = {{"run", service.return_to_service->run},
                        {"timeout", service.return_to_service->timeout_s}};
  }
  if (service.watch) object["watch"] = json_of(*service.watch);
  if (service.retention) object["retention"] = json_of(*service.retention);
  const std::string text = write_json(object, -1, InvalidUtf8::replace);
  return to_hex(codec::sha256(as_bytes(text)));
}

}  // namespace salvor::control::internal
