#include "service/service_json.h"

#include "base/bytes.h"
#include "base/error.h"

namespace salvor::service {
namespace {

/// What a run did that was begun before the key was there is what it goes on with.
bool isolated_in(const Json& json) {
  return json.value("isolated", true);
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
  Json json{{"kind", kind_of(check).name}};
  const auto put_keys = [&json]<class Kind>(const Kind& test) {
    for_each_key<Kind>([&](const auto& key) {
      const auto& value = test.*key.member;
      const std::string name(key.name);
      if constexpr (requires { value.has_value(); }) {
        if (value) json[name] = *value;
      } else {
        json[name] = value;
      }
    });
  };
  std::visit(put_keys, check.test);
  json["name"] = check.name;
  json["timeout_s"] = check.timeout_s;
  json["isolated"] = check.isolated;
  return json;
}

Check check_of(const Json& json) {
  Check check{json.at("name"), {}, json.at("timeout_s")};
  const std::string kind = json.at("kind");
  bool is_known = false;
  for_each_kind([&]<class Kind>(Kind test) {
    if (Kind::kKind.name != kind) return;
    for_each_key<Kind>([&](const auto& key) {
      auto& value = test.*key.member;
      const std::string name(key.name);
      if constexpr (requires { value.has_value(); }) {
        if (json.contains(name)) value = json.at(name).template get<std::string>();
      } else {
        json.at(name).get_to(value);
      }
    });
    check.test = std::move(test);
    is_known = true;
  });
  if (!is_known) throw Error(ErrorCode::corruption, "the plan has a check of an unknown kind");
  // A run that was begun before the key was there goes on as it began.
  check.isolated = json.value("isolated", kind_of(check).asks != Asks::service);
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
