#pragma once

#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// JSON for all of salvor. What is read as a whole number was written as one: the library itself
/// converts without a check (1e20 to a long is undefined; -1 and 2^32 to an unsigned int wrap), and
/// what we read may be damaged or forged. Every source includes this header instead of the
/// library's, so that no conversion lacks the check (tools/check_layers.py).
namespace salvor {

/// A whole number that does not fit into the wanted type. It is caught with all other errors of the
/// library, as a json::exception.
class IntegerOutOfRange final : public nlohmann::json::exception {
 public:
  explicit IntegerOutOfRange(const std::string& number)
      : exception(406, ("the number " + number + " is out of range").c_str()) {}
};

// The library's own parse() and dump() are templates that cost two seconds in each source that
// calls them. Sources call these instead (tools/check_layers.py); they are compiled once, for
// nlohmann::json and for nlohmann::ordered_json.

/// Reads one JSON document, whole.
/// Errors: Json::parse_error; callers turn it into an Error with a code of their own.
template <class Json = nlohmann::json>
Json parse_json(std::string_view text);

/// The same without an exception. Values that lie deeper than `depth_max` are left out, so that a
/// hostile document can't exhaust the stack of whoever walks the result.
/// Errors: none: a text that is not JSON yields a value that is_discarded().
template <class Json = nlohmann::json>
Json try_parse_json(std::string_view text, int depth_max = std::numeric_limits<int>::max());

/// What write_json() does with a text that is not UTF-8.
enum class InvalidUtf8 {
  refuse,   ///< throws Json::type_error
  replace,  ///< writes U+FFFD in place of the wrong bytes
};

/// Writes one JSON document: on one line, or, where `indent` is not negative, with so many blanks a
/// level.
/// Errors: Json::type_error for a text that is not UTF-8, with InvalidUtf8::refuse.
template <class Json>
std::string write_json(const Json& value, int indent = -1,
                       InvalidUtf8 invalid = InvalidUtf8::refuse);

/// Null where there is no value.
template <class Value>
nlohmann::ordered_json or_null(const std::optional<Value>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

}  // namespace salvor

/// How the library converts to integers, in get<T>(), value() and implicit conversions.
template <std::integral Integer>
requires(!std::same_as<Integer, bool>) struct nlohmann::adl_serializer<Integer> {
  /// Errors: Json::type_error for all but a whole number (2.0 is none); IntegerOutOfRange for one
  ///         that does not fit.
  template <class Json>
  static void from_json(const Json& json, Integer& value) {
    if (json.is_number_unsigned()) {
      value = fitted(json.template get_ref<const typename Json::number_unsigned_t&>());
    } else {
      value = fitted(json.template get_ref<const typename Json::number_integer_t&>());
    }
  }

  template <class Json>
  static void to_json(Json& json, Integer value) {
    nlohmann::to_json(json, value);
  }

 private:
  template <class Number>
  static Integer fitted(Number number) {
    if (!std::in_range<Integer>(number)) throw salvor::IntegerOutOfRange(std::to_string(number));
    return static_cast<Integer>(number);
  }
};
