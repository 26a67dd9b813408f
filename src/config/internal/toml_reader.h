#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// TOML text as a plain tree that remembers where everything stood. It is the only place that knows
/// the TOML library.
namespace salvor::config {

/// Where something stands in a file. Lines and columns count from 1, columns in characters.
struct Position {
  std::size_t line = 1;
  std::size_t column = 1;
  auto operator<=>(const Position&) const = default;
};

struct TomlMember;

/// One value. Which of the fields holds it follows from `kind`; a number with a fraction and a date
/// keep only their kind, since no key has one. A value.
struct TomlValue {
  enum class Kind { string, integer, number, boolean, date, array, table };

  Kind kind = Kind::table;
  Position position;
  std::string text;                 ///< string
  std::int64_t integer = 0;         ///< integer
  bool boolean = false;             ///< boolean
  std::vector<TomlValue> items;     ///< array
  std::vector<TomlMember> members;  ///< table, in the order of the file
};

/// One key of a table with its value. `position` is that of the key.
struct TomlMember {
  std::string key;
  Position position;
  TomlValue value;
};

/// The kind for messages: "a string", "an integer", …
std::string_view describe(TomlValue::Kind kind);

/// The beginning of messages: "FILE:3:7: ".
std::string place(std::string_view name, Position position);

/// Parses a whole document. `name` stands for the file in messages.
/// Errors: configuration, with line and column: what is not TOML; text of more than kTomlBytesMax
///         bytes; text that is nested deeper than any configuration needs, since the library would
///         exhaust the stack.
TomlValue parse_toml(std::string_view text, const std::string& name);

inline constexpr std::size_t kTomlBytesMax = std::size_t{1} << 20U;

}  // namespace salvor::config
