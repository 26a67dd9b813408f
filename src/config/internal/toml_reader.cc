#include "config/internal/toml_reader.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"

namespace salvor::config {
namespace {

/// Far above what a configuration needs, far below what a stack holds.
constexpr std::size_t kKeyPartsMax = 16;
constexpr std::size_t kNestingMax = 16;

/// Looks, before the library does, for keys of very many parts and for very deep nesting, to which
/// the library's recursion sets no bound. It knows of TOML only where strings and comments end; on
/// what is not TOML at all it may be wrong, but then the library stops at that place, too.
class DepthGuard {
 public:
  DepthGuard(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  void check() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        skip_to(text_.find('\n', at_));
      } else if (c == '"' || c == '\'') {
        skip_string(c);
      } else {
        count(c);
        ++at_;
      }
    }
  }

 private:
  void count(char c) {
    switch (c) {
      case '.':
        if (++dots_ >= kKeyPartsMax) fail("a key of fewer parts", kKeyPartsMax);
        return;
      case '[':
      case '{':
        if (++depth_ > kNestingMax) fail("less nesting", kNestingMax);
        break;
      case ']':
      case '}':
        if (depth_ > 0) --depth_;
        break;
      case '=':
      case ',':
      case '\n':
        break;
      default:
        return;
    }
    dots_ = 0;
  }

  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool long_form = text_.substr(at_, 3) == three;
    at_ += long_form ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\' && quote == '"') {
        at_ += 2;
      } else if (!long_form && (c == quote || c == '\n')) {
        ++at_;
        return;
      } else if (long_form && text_.substr(at_, 3) == three) {
        at_ += 3;
        // Up to two more quotes belong to the string.
        for (int more = 0; more < 2 && at_ < text_.size() && text_[at_] == quote; ++more) ++at_;
        return;
      } else {
        ++at_;
      }
    }
  }

  void skip_to(std::size_t position) { at_ = std::min(position, text_.size()); }

  [[noreturn]] void fail(std::string_view expected, std::size_t most) const {
    const std::string_view before = text_.substr(0, at_);
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    const auto lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
    const Position position{lines + 1, at_ - line_start + 1};
    throw Error(
        ErrorCode::configuration,
        fmt::format("{}expected {}, at most {} levels", place(name_, position), expected, most),
        "write the table under a [header] of its own");
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  std::size_t dots_ = 0;
  std::size_t depth_ = 0;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// What a line defines: the header of a table, or the key before its '='; empty: neither.
std::string_view defined_by(std::string_view line) {
  line = trimmed(line);
  if (line.starts_with('[')) return line.substr(0, line.find_last_of(']') + 1);
  if (line.starts_with('#')) return {};
  const std::size_t equals = line.find('=');
  return equals == std::string_view::npos ? std::string_view{} : trimmed(line.substr(0, equals));
}

/// Whether two definitions are of one name, however they are written: "[ a ]", "[[a]]".
bool is_same(std::string_view one, std::string_view other) {
  if (one.starts_with('[') != other.starts_with('[')) return false;
  const auto name_of = [](std::string_view text) {
    std::string name(text);
    std::erase_if(name, [](char c) {
      return std::string_view("[]\"' \t").find(c) != std::string_view::npos;
    });
    return name;
  };
  return name_of(one) == name_of(other);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

/// For a table or a key that is there twice: what it is, and where both are. Empty: it is something
/// else, or is written in two ways.
std::optional<Error> defined_twice(std::string_view text, const std::string& name,
                                   const toml::parse_error& error, Position position) {
  if (error.description().find("redefine") == std::string_view::npos) return std::nullopt;
  const std::vector<std::string_view> lines = lines_of(text);
  if (position.line > lines.size()) return std::nullopt;
  const std::string_view what = defined_by(lines[position.line - 1]);
  if (what.empty()) return std::nullopt;
  const bool is_table = what.starts_with('[');
  for (std::size_t line = position.line - 1; line > 0; --line) {
    const std::string_view other = defined_by(lines[line - 1]);
    if (is_same(other, what)) {
      return Error(ErrorCode::configuration,
                   fmt::format("{}the {} {} is there twice: in line {} and in line {}",
                               place(name, position), is_table ? "table" : "key", printable(what),
                               line, position.line),
                   is_table ? "put the keys of both under one header, or rename one of the tables"
                            : "keep one of the two");
    }
    // Keys of another table are others.
    if (!is_table && other.starts_with('[')) break;
  }
  return std::nullopt;
}

Position position_of(const toml::source_region& region) {
  return {std::max<std::size_t>(region.begin.line, 1),
          std::max<std::size_t>(region.begin.column, 1)};
}

TomlValue converted(const toml::node& node);

void convert_members(const toml::table& table, TomlValue& value) {
  for (const auto& [key, member] : table) {
    value.members.push_back({std::string(key.str()), position_of(key.source()), converted(member)});
  }
  // The library sorts by name; people read from top to bottom.
  std::stable_sort(
      value.members.begin(), value.members.end(),
      [](const TomlMember& a, const TomlMember& b) { return a.position < b.position; });
}

TomlValue converted(const toml::node& node) {
  using Kind = TomlValue::Kind;
  TomlValue value;
  value.position = position_of(node.source());
  switch (node.type()) {
    case toml::node_type::string:
      value.kind = Kind::string;
      value.text = **node.as_string();
      break;
    case toml::node_type::integer:
      value.kind = Kind::integer;
      value.integer = **node.as_integer();
      break;
    case toml::node_type::boolean:
      value.kind = Kind::boolean;
      value.boolean = **node.as_boolean();
      break;
    case toml::node_type::array:
      value.kind = Kind::array;
      for (const toml::node& item : *node.as_array()) value.items.push_back(converted(item));
      break;
    case toml::node_type::table:
      value.kind = Kind::table;
      convert_members(*node.as_table(), value);
      break;
    case toml::node_type::floating_point:
      value.kind = Kind::number;
      break;
    default:
      value.kind = Kind::date;
      break;
  }
  return value;
}

}  // namespace

std::string_view describe(TomlValue::Kind kind) {
  // In the order of the enumeration.
  constexpr std::array<std::string_view, 7> kWords{
      "a string", "an integer", "a number with a fraction", "a boolean", "a date or time",
      "an array", "a table"};
  return kWords[static_cast<std::size_t>(kind)];
}

std::string place(std::string_view name, Position position) {
  return fmt::format("{}:{}:{}: ", printable(name), position.line, position.column);
}

TomlValue parse_toml(std::string_view text, const std::string& name) {
  if (text.size() > kTomlBytesMax) {
    throw Error(ErrorCode::configuration,
                fmt::format("{}: {} bytes, expected at most {}", printable(name), text.size(),
                            kTomlBytesMax),
                "check that this is a salvor configuration file");
  }
  DepthGuard(text, name).check();
  try {
    return converted(toml::parse(text, std::string_view(name)));
  } catch (const toml::parse_error& error) {
    if (const auto twice = defined_twice(text, name, error, position_of(error.source()))) {
      throw *twice;
    }
    throw Error(ErrorCode::configuration,
                fmt::format("{}not valid TOML: {}", place(name, position_of(error.source())),
                            printable(error.description())),
                "strings need quotes; see docs/configuration.md for an example");
  }
}

}  // namespace salvor::config
