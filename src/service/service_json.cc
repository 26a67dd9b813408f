#include "service/service_json.h"

#include "base/bytes.h"
#include "base/error.h"

namespace salvor::service {
namespace {

/// What a run did that was begun before the key was there is what it goes on with.
bool isolated_in(const Json& json) {
  return json.value("isolated", true);
}

struct TestToJson {
  Json operator()(const ExecTest& test) const { return {{"kind", "exec"}, {"run", test.run}}; }
  Json operator()(const SqlTest& test) const {
    return {{"kind", "sql"}, {"store", test.store}, {"sql", test.sql}};
  }
  Json operator()(const HttpTest& test) const {
    Json json{{"kind", "http"}, {"url", test.url}, {"status", test.status}};
    if (test.contains) json["contains"] = *test.contains;
    return json;
  }
  Json operator()(const PathTest& test) const {
    Json json{{"kind", "path"},
              {"store", test.store},
              {"path", test.path},
              {"min_bytes", test.min_bytes}};
    if (test.sha256) json["sha256"] = *test.sha256;
    return json;
  }
  Json operator()(const LogTest& test) const {
    return {{"kind", "log"}, {"log", test.log}, {"pattern", test.pattern}, {"max", test.max}};
  }
};

std::optional<std::string> text_of(const Json& json, const char* key) {
  if (!json.contains(key)) return std::nullopt;
  return json.at(key).get<std::string>();
}

Json printable_text(const std::string& text) {
  return printable(text);
}

Json printable_path(const std::filesystem::path& path) {
  return printable(path.native());
}

void put(Json& object, const char* name, const std::optional<Cron>& cron) {
  if (cron) object[name] = cron->text();
}

}  // namespace

Json json_of(const Command& command) {
  return {{"run", command.run}, {"timeout_s", command.timeout_s}};
}

Command command_of(const Json& json) {
  return {json.at("run").get<std::string>(), json.at("timeout_s").get<std::int64_t>()};
}

Json json_of(const Writes& writes) {
  return {{"lock", json_of(writes.lock)},
          {"unlock", json_of(writes.unlock)},
          {"locked", json_of(writes.locked)}};
}

Writes writes_of(const Json& json) {
  return {command_of(json.at("lock")), command_of(json.at("unlock")),
          optional_of(json.at("locked"), command_of)};
}

Json json_of(const Migrate& migrate) {
  return {{"needed", json_of(migrate.needed)},
          {"run", json_of(migrate.run)},
          {"isolated", migrate.isolated}};
}

Migrate migrate_of(const Json& json) {
  return {optional_of(json.at("needed"), command_of), command_of(json.at("run")),
          isolated_in(json)};
}

Json json_of(const Rebuild& rebuild) {
  return {{"name", rebuild.name}, {"run", json_of(rebuild.run)}, {"isolated", rebuild.isolated}};
}

Rebuild rebuild_of(const Json& json) {
  return {json.at("name").get<std::string>(), command_of(json.at("run")), isolated_in(json)};
}

Json json_of(const Check& check) {
  Json json = std::visit(TestToJson{}, check.test);
  json["name"] = check.name;
  json["timeout_s"] = check.timeout_s;
  json["isolated"] = check.isolated;
  return json;
}

Check check_of(const Json& json) {
  Check check;
  check.name = json.at("name");
  check.timeout_s = json.at("timeout_s");
  const std::string kind = json.at("kind");
  // A run that was begun before the key was there goes on as it began.
  check.isolated = json.value("isolated", kind != "http");
  if (kind == "exec") {
    check.test = ExecTest{json.at("run")};
  } else if (kind == "sql") {
    check.test = SqlTest{json.at("store"), json.at("sql")};
  } else if (kind == "http") {
    check.test = HttpTest{json.at("url"), json.at("status"), text_of(json, "contains")};
  } else if (kind == "path") {
    check.test =
        PathTest{json.at("store"), json.at("path"), json.at("min_bytes"), text_of(json, "sha256")};
  } else if (kind == "log") {
    check.test = LogTest{json.at("log"), json.at("pattern"), json.at("max")};
  } else {
    throw Error(ErrorCode::corruption, "the plan has a check of an unknown kind");
  }
  return check;
}

Json json_of(const Reference& reference) {
  return {{"name", reference.name},
          {"from", reference.from},
          {"sql", reference.sql},
          {"in", reference.in},
          {"timeout_s", reference.timeout_s}};
}

Reference reference_of(const Json& json) {
  Reference reference{json.at("name"), json.at("from"), json.at("sql"), json.at("in")};
  // Runs of the version before had none of these.
  reference.timeout_s = json.value("timeout_s", reference.timeout_s);
  return reference;
}

Json json_of(const Watch& watch) {
  return {{"duration_s", watch.duration_s},
          {"every_s", watch.every_s},
          {"failures_max", watch.failures_max},
          {"probes", list_of(watch.probes)}};
}

Watch watch_of(const Json& json) {
  return {json.at("duration_s"), json.at("every_s"), json.at("failures_max"),
          values_of(json.at("probes"), check_of)};
}

Json json_of(const Drill& drill) {
  return {{"timeout_s", drill.timeout_s}};
}

Json json_of(const Schedule& schedule) {
  Json json{{"timezone", schedule.zone == TimeZone::utc ? "UTC" : "local"}};
  put(json, "backup", schedule.backup);
  put(json, "verify", schedule.verify);
  put(json, "drill", schedule.drill);
  return json;
}

Json json_of(const Retention& retention) {
  Json json{{"last", retention.last},       {"hourly", retention.hourly},
            {"daily", retention.daily},     {"weekly", retention.weekly},
            {"monthly", retention.monthly}, {"yearly", retention.yearly}};
  if (retention.within_s) json["within_s"] = *retention.within_s;
  if (retention.window_s) json["window_s"] = *retention.window_s;
  return json;
}

Json json_of(const Procedure& procedure) {
  return {{"writes", json_of(procedure.writes)},
          {"migrate", json_of(procedure.migrate)},
          {"rebuilds", list_of(procedure.rebuilds)},
          {"checks", list_of(procedure.checks)},
          {"references", list_of(procedure.references)},
          {"return", json_of(procedure.return_to_service)},
          {"watch", json_of(procedure.watch)}};
}

Procedure procedure_of(const Json& json) {
  return {
      optional_of(json.at("writes"), writes_of),      optional_of(json.at("migrate"), migrate_of),
      values_of(json.at("rebuilds"), rebuild_of),     values_of(json.at("checks"), check_of),
      values_of(json.at("references"), reference_of), optional_of(json.at("return"), command_of),
      optional_of(json.at("watch"), watch_of)};
}

Json json_of(const Store& store) {
  Json json = store.settings;
  json["name"] = store.name;
  json["type"] = store.type->name();
  json["shrink"] = store.shrink_percent ? Json(*store.shrink_percent) : Json("off");
  return json;
}

Json json_of(const Service& service) {
  Json json{{"name", service.name},
            {"owner", service.owner},
            {"severity", service.severity},
            {"rpo_s", or_null(service.rpo_s)},
            {"rto_s", or_null(service.rto_s)},
            {"contacts", list_of(service.contacts, printable_text)},
            {"links", list_of(service.links, printable_text)},
            {"protect", list_of(service.protect, printable_path)},
            {"runbook", service.runbook ? printable_path(*service.runbook) : Json(nullptr)},
            {"staging", service.staging ? printable_path(*service.staging) : Json(nullptr)},
            {"shared", service.shared},
            {"quiesce", service.quiesce},
            {"stores", list_of(service.stores)},
            {"drill", json_of(service.drill)},
            {"schedule", json_of(service.schedule)},
            {"retention", json_of(service.retention)}};
  json.update(json_of(static_cast<const Procedure&>(service)));
  return json;
}

}  // namespace salvor::service
