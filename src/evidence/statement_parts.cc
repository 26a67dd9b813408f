#include "evidence/statement_parts.h"

namespace salvor::evidence {
namespace {

using nlohmann::json;

/// Null when it is not there.
const json* member_of(const json& object, const char* name) {
  const auto member = object.find(name);
  return member == object.end() ? nullptr : &*member;
}

}  // namespace

std::string string_in(const json& object, const char* name) {
  const json* member = member_of(object, name);
  return member != nullptr && member->is_string() ? member->get<std::string>() : "";
}

std::string text_in(const json& object, const char* name) {
  const json* member = member_of(object, name);
  if (member == nullptr || member->is_null()) return "";
  return member->is_string() ? member->get<std::string>() : write_json(*member);
}

std::optional<double> number_in(const json& object, const char* name) {
  const json* member = member_of(object, name);
  if (member == nullptr || !member->is_number()) return std::nullopt;
  return member->get<double>();
}

const json& list_in(const json& object, const char* name) {
  static const json kNone = json::array();
  const json* member = member_of(object, name);
  return member != nullptr && member->is_array() ? *member : kNone;
}

const json& part_in(const json& object, const char* name) {
  static const json kNone = json::object();
  const json* member = member_of(object, name);
  return member != nullptr && member->is_object() ? *member : kNone;
}

}  // namespace salvor::evidence
