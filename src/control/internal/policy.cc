#include "control/internal/policy.h"

#include "codec/hash.h"
#include "service/service_json.h"

namespace salvor::control::internal {
namespace {

using service::Json;
using service::json_of;
using service::list_of;

Json text_of(const std::optional<std::filesystem::path>& path) {
  return path ? Json(printable(path->native())) : Json(nullptr);
}

Json texts_of(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(printable(text));
  return list;
}

Json texts_of(const std::vector<std::filesystem::path>& paths) {
  Json list = Json::array();
  for (const auto& path : paths) list.push_back(printable(path.native()));
  return list;
}

Json seconds_of(const std::optional<std::int64_t>& seconds) {
  return seconds ? Json(*seconds) : Json(nullptr);
}

Json store_of(const service::Store& store) {
  Json json = store.settings;
  json["name"] = store.name;
  json["type"] = store.type->name();
  json["shrink"] = store.shrink_percent ? Json(*store.shrink_percent) : Json("off");
  return json;
}

Json stores_of(const config::ServiceConfig& service) {
  Json list = Json::array();
  for (const service::Store& store : service.stores) list.push_back(store_of(store));
  return list;
}

}  // namespace

std::string policy_sha256(const config::ServiceConfig& service) {
  const Json json{{"name", service.name},
                  {"owner", service.owner},
                  {"severity", service.severity},
                  {"rpo_s", seconds_of(service.rpo_s)},
                  {"rto_s", seconds_of(service.rto_s)},
                  {"contacts", texts_of(service.contacts)},
                  {"links", texts_of(service.links)},
                  {"protect", texts_of(service.protect)},
                  {"runbook", text_of(service.runbook)},
                  {"staging", text_of(service.staging)},
                  {"shared", service.shared},
                  {"quiesce", service.quiesce},
                  {"stores", stores_of(service)},
                  {"writes", json_of(service.writes)},
                  {"migrate", json_of(service.migrate)},
                  {"rebuilds", list_of(service.rebuild)},
                  {"checks", list_of(service.checks)},
                  {"references", list_of(service.references)},
                  {"return", json_of(service.return_to_service)},
                  {"watch", json_of(service.watch)},
                  {"drill", json_of(service.drill)},
                  {"schedule", json_of(service.schedule)},
                  {"retention", json_of(service.retention)}};
  const nlohmann::json canonical = json;  // its keys are sorted
  const std::string text = write_json(canonical, -1, InvalidUtf8::replace);
  return to_hex(codec::sha256(as_bytes(text)));
}

}  // namespace salvor::control::internal
