#include "base/error.h"
#include "base/json.h"
#include "recovery/plan.h"

namespace salvor::recovery {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Command& command) {
  return {{"run", command.run}, {"timeout_s", command.timeout_s}};
}

Command command_of(const Json& json) {
  return {json.at("run").get<std::string>(), json.at("timeout_s").get<std::int64_t>()};
}

Json json_of(const WritesPlan& writes);
Json json_of(const MigratePlan& migrate);
Json json_of(const WatchPlan& watch);

template <class Value>
Json json_of(const std::optional<Value>& value) {
  return value ? json_of(*value) : Json(nullptr);
}

template <class Value>
std::optional<Value> optional_of(const Json& json, Value (*read)(const Json&)) {
  if (json.is_null()) return std::nullopt;
  return read(json);
}

Json json_of(const StorePlan& store) {
  return {{"name", store.name},
          {"type", store.type},
          {"path", store.path},
          {"settings", store.settings},
          {"delta_in_place", store.delta_in_place},
          {"safety_snapshot", store.safety_snapshot}};
}

StorePlan store_of(const Json& json) {
  StorePlan store;
  store.name = json.at("name");
  store.type = json.at("type");
  store.path = json.at("path");
  store.settings = json.at("settings");
  store.delta_in_place = json.at("delta_in_place");
  // Runs of the version before had none of these.
  store.safety_snapshot = json.value("safety_snapshot", store.safety_snapshot);
  return store;
}

Json json_of(const OtherStore& store) {
  return {{"name", store.name}, {"path", store.path}};
}

OtherStore other_of(const Json& json) {
  return {json.at("name").get<std::string>(), json.at("path").get<std::string>()};
}

Json json_of(const WritesPlan& writes) {
  return {{"lock", json_of(writes.lock)},
          {"unlock", json_of(writes.unlock)},
          {"locked", json_of(writes.locked)}};
}

WritesPlan writes_of(const Json& json) {
  return {command_of(json.at("lock")), command_of(json.at("unlock")),
          optional_of(json.at("locked"), command_of)};
}

Json json_of(const MigratePlan& migrate) {
  return {{"needed", json_of(migrate.needed)},
          {"run", json_of(migrate.run)},
          {"isolated", migrate.isolated}};
}

/// What a run did that was begun before the key was there is what it goes on with.
bool isolated_in(const Json& json) {
  return json.value("isolated", true);
}

MigratePlan migrate_of(const Json& json) {
  return {optional_of(json.at("needed"), command_of), command_of(json.at("run")),
          isolated_in(json)};
}

Json json_of(const RebuildPlan& rebuild) {
  return {{"name", rebuild.name}, {"run", json_of(rebuild.run)}, {"isolated", rebuild.isolated}};
}

RebuildPlan rebuild_of(const Json& json) {
  return {json.at("name").get<std::string>(), command_of(json.at("run")), isolated_in(json)};
}

struct TestToJson {
  Json operator()(const checks::ExecTest& test) const {
    return {{"kind", "exec"}, {"run", test.run}};
  }
  Json operator()(const checks::SqlTest& test) const {
    return {{"kind", "sql"}, {"store", test.store}, {"sql", test.sql}};
  }
  Json operator()(const checks::HttpTest& test) const {
    Json json{{"kind", "http"}, {"url", test.url}, {"status", test.status}};
    if (test.contains) json["contains"] = *test.contains;
    return json;
  }
  Json operator()(const checks::PathTest& test) const {
    Json json{{"kind", "path"},
              {"store", test.store},
              {"path", test.path},
              {"min_bytes", test.min_bytes}};
    if (test.sha256) json["sha256"] = *test.sha256;
    return json;
  }
  Json operator()(const checks::LogTest& test) const {
    return {{"kind", "log"}, {"log", test.log}, {"pattern", test.pattern}, {"max", test.max}};
  }
};

Json json_of(const checks::Check& check) {
  Json json = std::visit(TestToJson{}, check.test);
  json["name"] = check.name;
  json["timeout_s"] = check.timeout_s;
  json["isolated"] = check.isolated;
  return json;
}

std::optional<std::string> text_of(const Json& json, const char* key) {
  if (!json.contains(key)) return std::nullopt;
  return json.at(key).get<std::string>();
}

checks::Check check_of(const Json& json) {
  checks::Check check;
  check.name = json.at("name");
  check.timeout_s = json.at("timeout_s");
  const std::string kind = json.at("kind");
  // A run that was begun before the key was there goes on as it began.
  check.isolated = json.value("isolated", kind != "http");
  if (kind == "exec") {
    check.test = checks::ExecTest{json.at("run")};
  } else if (kind == "sql") {
    check.test = checks::SqlTest{json.at("store"), json.at("sql")};
  } else if (kind == "http") {
    check.test = checks::HttpTest{json.at("url"), json.at("status"), text_of(json, "contains")};
  } else if (kind == "path") {
    check.test = checks::PathTest{json.at("store"), json.at("path"), json.at("min_bytes"),
                                  text_of(json, "sha256")};
  } else if (kind == "log") {
    check.test = checks::LogTest{json.at("log"), json.at("pattern"), json.at("max")};
  } else {
    throw Error(ErrorCode::corruption, "the plan has a check of an unknown kind");
  }
  return check;
}

Json json_of(const checks::Reference& reference) {
  return {{"name", reference.name},
          {"from", reference.from},
          {"sql", reference.sql},
          {"in", reference.in},
          {"timeout_s", reference.timeout_s}};
}

checks::Reference reference_of(const Json& json) {
  checks::Reference reference{json.at("name"), json.at("from"), json.at("sql"), json.at("in")};
  // Runs of the version before had none of these.
  reference.timeout_s = json.value("timeout_s", reference.timeout_s);
  return reference;
}

template <class Value>
Json list_of(const std::vector<Value>& values) {
  Json list = Json::array();
  for (const Value& value : values) list.push_back(json_of(value));
  return list;
}

template <class Value>
std::vector<Value> values_of(const Json& list, Value (*read)(const Json&)) {
  std::vector<Value> values;
  for (const Json& json : list) values.push_back(read(json));
  return values;
}

Json json_of(const WatchPlan& watch) {
  return {{"duration_s", watch.duration_s},
          {"every_s", watch.every_s},
          {"failures_max", watch.failures_max},
          {"probes", list_of(watch.probes)}};
}

WatchPlan watch_of(const Json& json) {
  return {json.at("duration_s"), json.at("every_s"), json.at("failures_max"),
          values_of(json.at("probes"), check_of)};
}

Json seconds_of(const std::optional<std::int64_t>& seconds) {
  return seconds ? Json(*seconds) : Json(nullptr);
}

std::optional<std::int64_t> seconds_in(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return json.get<std::int64_t>();
}

Plan plan_of(const Json& json) {
  Plan plan;
  plan.mode = json.at("mode") == name_of(service::Mode::drill) ? service::Mode::drill
                                                               : service::Mode::restore;
  plan.run = json.at("run");
  plan.service = json.at("service");
  plan.point = json.at("point");
  plan.point_time = Time{json.at("point_time_ns").get<std::int64_t>()};
  plan.directory = json.at("directory");
  plan.staging = json.at("staging");
  plan.safety_snapshot = json.at("safety_snapshot");
  plan.compare_content = json.value("compare_content", plan.compare_content);
  plan.without_lock = json.value("without_lock", plan.without_lock);
  plan.trigger = json.at("trigger");
  plan.confirmed_by = json.at("confirmed_by");
  plan.host = json.value("host", std::string());
  plan.stores = values_of(json.at("stores"), store_of);
  plan.others = values_of(json.at("others"), other_of);
  plan.writes = optional_of(json.at("writes"), writes_of);
  plan.migrate = optional_of(json.at("migrate"), migrate_of);
  plan.rebuilds = values_of(json.at("rebuilds"), rebuild_of);
  plan.checks = values_of(json.at("checks"), check_of);
  plan.references = values_of(json.at("references"), reference_of);
  plan.return_to_service = optional_of(json.at("return"), command_of);
  plan.watch = optional_of(json.at("watch"), watch_of);
  plan.rpo_s = seconds_in(json.at("rpo_s"));
  plan.rto_s = seconds_in(json.at("rto_s"));
  plan.policy_sha256 = json.at("policy_sha256");
  plan.holders_wait_ms = json.at("holders_wait_ms");
  return plan;
}

}  // namespace

std::string to_json(const Plan& plan) {
  const Json json{{"mode", name_of(plan.mode)},
                  {"run", plan.run},
                  {"service", plan.service},
                  {"point", plan.point},
                  {"point_time_ns", plan.point_time.ns},
                  {"directory", plan.directory},
                  {"staging", plan.staging},
                  {"safety_snapshot", plan.safety_snapshot},
                  {"compare_content", plan.compare_content},
                  {"without_lock", plan.without_lock},
                  {"trigger", plan.trigger},
                  {"confirmed_by", plan.confirmed_by},
                  {"host", plan.host},
                  {"stores", list_of(plan.stores)},
                  {"others", list_of(plan.others)},
                  {"writes", json_of(plan.writes)},
                  {"migrate", json_of(plan.migrate)},
                  {"rebuilds", list_of(plan.rebuilds)},
                  {"checks", list_of(plan.checks)},
                  {"references", list_of(plan.references)},
                  {"return", json_of(plan.return_to_service)},
                  {"watch", json_of(plan.watch)},
                  {"rpo_s", seconds_of(plan.rpo_s)},
                  {"rto_s", seconds_of(plan.rto_s)},
                  {"policy_sha256", plan.policy_sha256},
                  {"holders_wait_ms", plan.holders_wait_ms}};
  return write_json(json);
}

Plan parse_plan(std::string_view json) {
  try {
    return plan_of(parse_json<Json>(json));
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corruption,
                std::string("the plan in the journal can't be understood: ") + error.what(),
                "use the version of salvor that began the run, or a newer one");
  }
}

}  // namespace salvor::recovery
