#include "base/json.h"

namespace salvor {

template <class Json>
Json parse_json(std::string_view text) {
  return Json::parse(text);
}

template <class Json>
Json try_parse_json(std::string_view text, int depth_max) {
  if (depth_max == std::numeric_limits<int>::max()) return Json::parse(text, nullptr, false);
  const auto shallow = [&](int depth, typename Json::parse_event_t, Json&) {
    return depth <= depth_max;
  };
  return Json::parse(text, shallow, false);
}

template <class Json>
std::string write_json(const Json& value, int indent, InvalidUtf8 invalid) {
  using OnError = typename Json::error_handler_t;
  return value.dump(indent, ' ', false,
                    invalid == InvalidUtf8::refuse ? OnError::strict : OnError::replace);
}

template nlohmann::json parse_json(std::string_view);
template nlohmann::ordered_json parse_json(std::string_view);
template nlohmann::json try_parse_json(std::string_view, int);
template nlohmann::ordered_json try_parse_json(std::string_view, int);
template std::string write_json(const nlohmann::json&, int, InvalidUtf8);
template std::string write_json(const nlohmann::ordered_json&, int, InvalidUtf8);

}  // namespace salvor
