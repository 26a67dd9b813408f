#include <fmt/format.h>

#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "base/json.h"
#include "recovery/plan.h"
#include "service/service_json.h"
#include "stores/type.h"

namespace salvor::recovery {
namespace {

using service::Json;
using service::json_of;
using service::list_of;
using service::values_of;

constexpr const char* kOtherVersion =
    "use the version of salvor that began the run, or a newer one";

/// Names are bytes, which JSON can't hold.
Json hexes_of(const std::vector<std::string>& paths) {
  Json list = Json::array();
  for (const std::string& path : paths) list.push_back(to_hex(as_bytes(path)));
  return list;
}

std::string bytes_in(const Json& json) {
  const auto text = json.get<std::string>();
  std::string raw(text.size() / 2, '\0');
  if (from_hex(text, std::as_writable_bytes(std::span(raw)))) return raw;
  throw Error(ErrorCode::corruption, "a path in the plan is no hexadecimal text");
}

/// Whether JSON gives a text back as it is.
bool is_lossless(const Json& text) {
  return parse_json<Json>(write_json(text, -1, InvalidUtf8::replace)) == text;
}

/// Texts that are not UTF-8, as paths may be, become {"hex": "2f7372…"} wherever they are.
void hide_bytes(Json& json) {
  if (json.is_structured()) {
    for (Json& each : json) hide_bytes(each);
  } else if (json.is_string() && !is_lossless(json)) {
    json = {{"hex", to_hex(as_bytes(json.get_ref<const std::string&>()))}};
  }
}

/// The reverse.
void show_bytes(Json& json) {
  if (json.is_object() && json.size() == 1 && json.contains("hex")) {
    json = bytes_in(json.at("hex"));
    return;
  }
  if (!json.is_structured()) return;
  for (Json& each : json) show_bytes(each);
}

Json store_json(const StorePlan& store) {
  return {{"name", store.name},
          {"type", store.type},
          {"path", store.path},
          {"settings", store.settings},
          {"lacking", hexes_of(store.lacking)},
          {"lacks_more", store.lacks_more},
          {"delta_in_place", store.delta_in_place},
          {"safety_snapshot", store.safety_snapshot}};
}

/// Plans of an earlier version held some of the settings, and the lacking paths, in one text; a
/// word was a flag.
void read_old_settings(const Json& json, StorePlan& store) {
  const Json old = parse_json<Json>(json.get<std::string>());
  store.lacking = values_of(old.value("missing", Json::array()), bytes_in);
  store.lacks_more = old.value("missing_more", false);
  store.settings = Json::object();
  const stores::Type* const type = stores::find_type(store.type);
  if (type == nullptr) return;
  for (const stores::SettingsKey& key : type->keys()) {
    const std::string name(key.name);
    if (old.contains(name)) store.settings[name] = old[name];
    if (key.kind == stores::SettingsKey::Kind::path) store.settings[name] = store.path;
    for (const std::string_view word : key.words) {
      if (old.value(std::string(word), false)) store.settings[name] = word;
    }
  }
}

/// Gives keys that the plan's version did not have their defaults. A store of an unknown type keeps
/// its settings, which nobody here reads.
void complete_settings(StorePlan& store) {
  const stores::Type* const type = stores::find_type(store.type);
  if (type == nullptr) return;
  const bool is_object = store.settings.is_object();
  if (is_object) store.settings = stores::completed(*type, store.settings);
  for (const stores::SettingsKey& key : type->keys()) {
    const std::string name(key.name);
    if (is_object && is_of_kind(store.settings[name], key)) continue;
    throw Error(ErrorCode::corruption,
                fmt::format("the plan in the journal can't be understood: the setting {} of store "
                            "{} has a value of a wrong kind",
                            name, printable(store.name)),
                kOtherVersion);
  }
}

StorePlan store_of(const Json& json) {
  StorePlan store;
  store.name = json.at("name");
  store.type = json.at("type");
  store.path = json.at("path");
  if (json.at("settings").is_string()) {
    read_old_settings(json.at("settings"), store);
  } else {
    store.settings = json.at("settings");
    store.lacking = values_of(json.at("lacking"), bytes_in);
    store.lacks_more = json.at("lacks_more");
  }
  complete_settings(store);
  store.delta_in_place = json.at("delta_in_place");
  // Plans of the version before have no such keys.
  store.safety_snapshot = json.value("safety_snapshot", store.safety_snapshot);
  return store;
}

Json other_json(const OtherStore& store) {
  return {{"name", store.name}, {"path", store.path}};
}

OtherStore other_of(const Json& json) {
  return {json.at("name").get<std::string>(), json.at("path").get<std::string>()};
}

std::optional<std::int64_t> seconds_in(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return json.get<std::int64_t>();
}

repo::PointId point_in(const Json& json) {
  const auto text = json.get<std::string>();
  if (text.empty()) return {};
  if (const auto id = repo::PointId::parse(text)) return *id;
  throw Error(ErrorCode::corruption, "the plan in the journal names no recovery point",
              kOtherVersion);
}

Plan plan_of(const Json& json) {
  Plan plan;
  plan.mode = json.at("mode") == name_of(service::Mode::drill) ? service::Mode::drill
                                                               : service::Mode::restore;
  plan.run = json.at("run");
  plan.service = json.at("service");
  plan.point = point_in(json.at("point"));
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
  plan.set_procedure(service::procedure_of(json));
  plan.rpo_s = seconds_in(json.at("rpo_s"));
  plan.rto_s = seconds_in(json.at("rto_s"));
  plan.policy_sha256 = json.at("policy_sha256");
  plan.holders_wait_ms = json.at("holders_wait_ms");
  return plan;
}

}  // namespace

std::string to_json(const Plan& plan) {
  Json json{{"mode", name_of(plan.mode)},
            {"run", plan.run},
            {"service", plan.service},
            {"point", plan.point_text()},
            {"point_time_ns", plan.point_time.ns},
            {"directory", plan.directory},
            {"staging", plan.staging},
            {"safety_snapshot", plan.safety_snapshot},
            {"compare_content", plan.compare_content},
            {"without_lock", plan.without_lock},
            {"trigger", plan.trigger},
            {"confirmed_by", plan.confirmed_by},
            {"host", plan.host},
            {"stores", list_of(plan.stores, store_json)},
            {"others", list_of(plan.others, other_json)}};
  json.update(json_of(static_cast<const service::Procedure&>(plan)));
  json.update({{"rpo_s", or_null(plan.rpo_s)},
               {"rto_s", or_null(plan.rto_s)},
               {"policy_sha256", plan.policy_sha256},
               {"holders_wait_ms", plan.holders_wait_ms}});
  hide_bytes(json);
  return write_json(json);
}

Plan parse_plan(std::string_view json) {
  try {
    Json plan = parse_json<Json>(json);
    show_bytes(plan);
    return plan_of(plan);
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::corruption,
                std::string("the plan in the journal can't be understood: ") + error.what(),
                kOtherVersion);
  }
}

}  // namespace salvor::recovery
