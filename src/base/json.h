#pragma once

#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

/// JSON for all of salvor: what is read as a whole number was written as one. The library itself
/// converts without a look (1e20 to a long is undefined, -1 and 2^32 to an unsigned int wrap), and
/// what we read may be damaged or forged. Every source includes this header instead of the
/// library's, so that no conversion is without the check (tools/check_layers.py).
namespace salvor {

/// A whole number that the wanted type can't hold; caught as all errors of the library are.
class IntegerOutOfRange final : public nlohmann::json::exception {
 public:
  explicit IntegerOutOfRange(const std::string& number)
      : exception(406, ("the number " + number + " is out of range").c_str()) {}
};

// The library's own parse() and dump() are templates that cost two seconds in each source that
// calls them. Sources call these instead (tools/check_layers.py); they are compiled once, for
// nlohmann::json and for nlohmann::ordered_json.

/// Reads one JSON document, whole.   Errors: Json::parse_error.
template <class Json = nlohmann::json>
Json parse_json(std::string_view text);

/// Reads one JSON document, whole. Values that lie deeper than `depth_max` are left out.
/// Errors: none: a text that is not JSON yields a value that is_discarded().
template <class Json = nlohmann::json>
Json try_parse_json(std::string_view text, int depth_max = std::numeric_limits<int>::max());

/// What write_json() does with a text that is not UTF-8.
enum class InvalidUtf8 {
  refuse,   ///< throws Json::type_error
  replace,  ///< writes U+FFFD in place of the wrong bytes
};

/// One JSON document: on one line, or with `indent` blanks a level where that is not negative.
template <class Json>
std::string write_json(const Json& value, int indent = -1,
                       InvalidUtf8 invalid = InvalidUtf8::refuse);

}  // namespace salvor

/// get<T>(), value() and the implicit conversions to integers.
template <std::integral Integer>
requires(!std::same_as<Integer, bool>) struct nlohmann::adl_serializer<Integer> {
  /// Throws a type_error for all but a whole number (2.0 is none), IntegerOutOfRange for one that
  /// does not fit.
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
