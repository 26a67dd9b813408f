#pragma once

#include <optional>
#include <vector>

#include "base/json.h"
#include "service/service.h"

/// The one JSON form of what belongs to a service: in plans and their journals, and in the digest
/// of a service's policy. So a change of a form changes the digest of every policy. Journals of
/// every version that wrote one are read: a member that is missing means what it meant before it
/// existed.
/// Shape:  json_of(): an object with the members of the value; what is absent is null, or left out.
///         X_of(): its inverse. Of a service a plan has the procedure only, so the rest of it is
///         only written; its texts are made printable.
/// Errors: of X_of(): Json::exception, where a member is missing or is of another type; corruption:
///         a check is of a kind that this version does not know.
namespace salvor::service {

/// Members stay in the order in which they were written, so that the same value gives the same
/// text.
using Json = nlohmann::ordered_json;

Json json_of(const Store& store);
Json json_of(const Command& command);
Json json_of(const Writes& writes);
Json json_of(const Migrate& migrate);
Json json_of(const Rebuild& rebuild);
Json json_of(const Check& check);
Json json_of(const Reference& reference);
Json json_of(const Watch& watch);
Json json_of(const Drill& drill);
Json json_of(const Schedule& schedule);
Json json_of(const Retention& retention);
Json json_of(const Procedure& procedure);
Json json_of(const Service& service);

Command command_of(const Json& json);
Writes writes_of(const Json& json);
Migrate migrate_of(const Json& json);
Rebuild rebuild_of(const Json& json);
Check check_of(const Json& json);
Reference reference_of(const Json& json);
Watch watch_of(const Json& json);
Procedure procedure_of(const Json& json);

/// Null where there is no value, and the reverse.
template <class Value>
Json json_of(const std::optional<Value>& value) {
  return value ? json_of(*value) : Json(nullptr);
}
template <class Value>
std::optional<Value> optional_of(const Json& json, Value (*read)(const Json&)) {
  if (json.is_null()) return std::nullopt;
  return read(json);
}

/// A list of values, and the reverse: list_of(checks), values_of<Check>(json, check_of).
template <class Value>
Json list_of(const std::vector<Value>& values, Json (*write)(const Value&) = json_of) {
  Json list = Json::array();
  for (const Value& value : values) list.push_back(write(value));
  return list;
}
template <class Value>
std::vector<Value> values_of(const Json& list, Value (*read)(const Json&)) {
  std::vector<Value> values;
  for (const Json& json : list) values.push_back(read(json));
  return values;
}

}  // namespace salvor::service
