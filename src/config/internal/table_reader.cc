#include "config/internal/table_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/nearest_name.h"

namespace salvor::config {
namespace {

constexpr std::size_t kNameBytesMax = 63;

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

std::string in_quotes(std::string_view text) {
  return "\"" + printable(text) + "\"";
}

/// What to write where another kind of value was found.
std::string how_to_write(TomlValue::Kind kind, std::string_view key) {
  switch (kind) {
    case TomlValue::Kind::string:
      return "put the value in quotes";
    case TomlValue::Kind::integer:
      return "write a whole number, without quotes";
    case TomlValue::Kind::boolean:
      return "write true or false, without quotes";
    case TomlValue::Kind::array:
      return fmt::format("write the values in brackets: {} = [\"…\", \"…\"]", key);
    case TomlValue::Kind::table:
      return "write a [header] of its own, and the keys below it";
    default:
      return "docs/configuration.md describes each key";
  }
}

}  // namespace

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax || !is_lower_or_digit(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_lower_or_digit(c) || c == '_' || c == '-'; });
}

void Findings::add(Position position, std::string message, std::string hint) {
  if (first_ && first_->position <= position) return;
  // Of a parser that knows nothing of files.
  if (hint.empty()) hint = "docs/configuration.md describes each key";
  first_ = Mistake{position, std::move(message), std::move(hint)};
}

void Findings::throw_first() const {
  if (!first_) return;
  throw Error(ErrorCode::configuration, place(file_, first_->position) + first_->message,
              first_->hint);
}

TableReader::TableReader(const TomlValue& table, std::string path, Findings& findings)
    : table_(table), path_(std::move(path)), findings_(findings) {
  SALVOR_ASSERT(table.kind == TomlValue::Kind::table);
}

const TomlMember* TableReader::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
  const auto found = std::find_if(table_.members.begin(), table_.members.end(),
                                  [&](const TomlMember& member) { return member.key == key; });
  return found == table_.members.end() ? nullptr : &*found;
}

const TomlValue* TableReader::find(std::string_view key, TomlValue::Kind kind) {
  const TomlMember* member = find(key);
  if (member == nullptr) return nullptr;
  if (member->value.kind == kind) return &member->value;
  findings_.add(member->value.position,
                fmt::format("key \"{}\": expected {}, found {}", key, describe(kind),
                            describe(member->value.kind)),
                how_to_write(kind, key));
  return nullptr;
}

bool TableReader::plain(const TomlValue& value, std::string_view key) {
  if (!value.text.empty() && value.text.find('\0') == std::string::npos) return true;
  findings_.add(
      value.position,
      fmt::format("key \"{}\": expected a string without zero bytes that is not empty", key),
      "leave the key out where it does not apply");
  return false;
}

std::optional<std::string> TableReader::text(std::string_view key) {
  const TomlValue* value = find(key, TomlValue::Kind::string);
  if (value == nullptr || !plain(*value, key)) return std::nullopt;
  return value->text;
}

std::string TableReader::required_text(std::string_view key) {
  if (!has(key)) complain_missing(key);
  return text(key).value_or("");
}

std::optional<std::filesystem::path> TableReader::resolved(const TomlValue& value) {
  if (value.text == "~" || value.text.starts_with("~/")) {
    findings_.add(value.position, "\"~\" is not expanded here", "write the whole path");
    return std::nullopt;
  }
  std::filesystem::path path = (findings_.directory() / value.text).lexically_normal();
  // "/a/b/" has an empty last part, which would spoil comparisons part by part.
  if (!path.has_filename() && path.has_relative_path()) path = path.parent_path();
  return path;
}

std::optional<std::filesystem::path> TableReader::path(std::string_view key) {
  const TomlValue* value = find(key, TomlValue::Kind::string);
  if (value == nullptr || !plain(*value, key)) return std::nullopt;
  return resolved(*value);
}

std::filesystem::path TableReader::required_path(std::string_view key) {
  if (!has(key)) complain_missing(key);
  return path(key).value_or(std::filesystem::path());
}

std::optional<std::int64_t> TableReader::integer(std::string_view key, std::int64_t least,
                                                 std::int64_t most) {
  const TomlValue* value = find(key, TomlValue::Kind::integer);
  if (value == nullptr) return std::nullopt;
  if (value->integer >= least && value->integer <= most) return value->integer;
  complain(key,
           fmt::format("key \"{}\": found {}, expected {} to {}", key, value->integer, least, most),
           "write a number within these limits, or leave the key out for the usual value");
  return std::nullopt;
}

std::optional<bool> TableReader::boolean(std::string_view key) {
  const TomlValue* value = find(key, TomlValue::Kind::boolean);
  if (value == nullptr) return std::nullopt;
  return value->boolean;
}

std::optional<std::int64_t> TableReader::duration_s(std::string_view key) {
  const std::optional<std::string> written = text(key);
  if (!written) return std::nullopt;
  const std::optional<std::int64_t> seconds = parse_duration_s(*written);
  if (seconds && *seconds > 0) return seconds;
  complain(key, fmt::format("key \"{}\": found {}, expected a duration", key, in_quotes(*written)),
           "write a number with s, m, h, d or w, e.g. \"15m\" or \"1h30m\"");
  return std::nullopt;
}

std::vector<std::string> TableReader::texts(std::string_view key) {
  std::vector<std::string> found;
  const TomlValue* value = find(key, TomlValue::Kind::array);
  if (value == nullptr) return found;
  for (const TomlValue& item : value->items) {
    if (item.kind != TomlValue::Kind::string) {
      findings_.add(item.position,
                    fmt::format("key \"{}\": expected an array of strings, found {} in it", key,
                                describe(item.kind)),
                    "put each value in quotes");
    } else if (plain(item, key)) {
      found.push_back(item.text);
    }
  }
  return found;
}

std::vector<std::filesystem::path> TableReader::paths(std::string_view key) {
  std::vector<std::filesystem::path> found;
  if (texts(key).empty()) return found;
  for (const TomlValue& item : find(key)->value.items) {
    if (item.kind != TomlValue::Kind::string) continue;
    if (auto path = resolved(item)) found.push_back(std::move(*path));
  }
  return found;
}

std::optional<std::size_t> TableReader::choice(std::string_view key,
                                               const std::vector<std::string_view>& allowed) {
  const std::optional<std::string> written = text(key);
  if (!written) return std::nullopt;
  const auto found = std::find(allowed.begin(), allowed.end(), *written);
  if (found != allowed.end()) return static_cast<std::size_t>(found - allowed.begin());
  complain(key,
           fmt::format("key \"{}\": found {}, expected {}", key, in_quotes(*written),
                       fmt::join(allowed, ", ")),
           suggest(*written, allowed));
  return std::nullopt;
}

const TomlValue* TableReader::table(std::string_view key) {
  return find(key, TomlValue::Kind::table);
}

std::vector<const TomlMember*> TableReader::named_tables(std::string_view key) {
  std::vector<const TomlMember*> found;
  const TomlValue* const value = table(key);
  if (value == nullptr) return found;
  for (const TomlMember& member : value->members) {
    if (!is_name(member.key)) {
      findings_.add(member.position, fmt::format("{} can't name a {}", in_quotes(member.key), key),
                    std::string(kNameHint));
    } else if (member.value.kind != TomlValue::Kind::table) {
      findings_.add(member.value.position,
                    fmt::format("{} \"{}\": expected a table, found {}", key, member.key,
                                describe(member.value.kind)),
                    fmt::format("write its keys under [{}{}{}.{}]", path_, path_.empty() ? "" : ".",
                                key, member.key));
    } else {
      found.push_back(&member);
    }
  }
  return found;
}

std::vector<const TomlValue*> TableReader::tables(std::string_view key) {
  std::vector<const TomlValue*> found;
  const TomlValue* value = find(key, TomlValue::Kind::array);
  if (value == nullptr) return found;
  for (const TomlValue& item : value->items) {
    if (item.kind == TomlValue::Kind::table) {
      found.push_back(&item);
    } else {
      findings_.add(item.position,
                    fmt::format("key \"{}\": expected an array of tables, found {} in it", key,
                                describe(item.kind)),
                    fmt::format("write each as [[{}.{}]]", path_, key));
    }
  }
  return found;
}

bool TableReader::has(std::string_view key) {
  return find(key) != nullptr;
}

void TableReader::complain(std::string_view key, std::string message, std::string hint) {
  const TomlMember* member = key.empty() ? nullptr : find(key);
  findings_.add(member == nullptr ? table_.position : member->value.position, std::move(message),
                std::move(hint));
}

void TableReader::complain_missing(std::string_view key, std::string hint) {
  const std::string where = path_.empty() ? "the file" : "[" + printable(path_) + "]";
  findings_.add(table_.position, fmt::format("missing key \"{}\" in {}", key, where),
                std::move(hint));
}

void TableReader::locate(std::string_view key, const std::function<void()>& parse) {
  try {
    parse();
  } catch (const Error& error) {
    complain(key, error.message(), error.hint());
  }
}

void TableReader::finish() {
  for (const TomlMember& member : table_.members) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) continue;
    const std::string where =
        path_.empty() ? "at the top of the file" : "in [" + printable(path_) + "]";
    findings_.add(member.position, fmt::format("unknown key {} {}", in_quotes(member.key), where),
                  suggest(member.key, known_));
    return;
  }
}

}  // namespace salvor::config
