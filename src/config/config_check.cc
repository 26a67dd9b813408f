#include "config/internal/service_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <type_traits>

#include "base/bytes.h"
#include "base/nearest_name.h"

namespace salvor::config {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kProbeTimeout_s = 30;

enum class Where { check, probe };

/// A store that key `key` names, of a type that can be asked (`can`).
std::string parse_store_name(TableReader& reader, std::string_view key,
                             const internal::StoreTypes& stores,
                             bool (stores::Type::*can)() const) {
  const std::string name = reader.required_text(key);
  if (name.empty()) return name;
  const auto found = stores.find(name);
  if (found == stores.end()) {
    std::vector<std::string_view> names;
    for (const auto& [each, type] : stores) names.push_back(each);
    reader.complain(
        key, fmt::format("key \"{}\": no store \"{}\" in this service", key, printable(name)),
        suggest(name, names));
  } else if (found->second != nullptr && !(found->second->*can)()) {
    std::vector<std::string_view> able;
    for (const stores::Type* type : stores::types()) {
      if ((type->*can)()) able.push_back(type->name());
    }
    reader.complain(key,
                    fmt::format("key \"{}\": found a store of type {}, expected {}", key,
                                found->second->name(), fmt::join(able, " or ")),
                    "name a store of another type, or leave the key out");
  }
  return name;
}

bool stays_inside(const std::filesystem::path& path) {
  return path.is_relative() &&
         std::none_of(path.begin(), path.end(), [](const auto& part) { return part == ".."; });
}

/// What a text has to be besides a text. A digest is brought into lower case.
void check_form(TableReader& reader, std::string_view key, service::Form form, std::string& text) {
  if (text.empty()) return;
  if (form == service::Form::url && !text.starts_with("http://") && !text.starts_with("https://")) {
    reader.complain(
        key,
        fmt::format("key \"{}\": found \"{}\", expected http:// or https://", key, printable(text)),
        "write the whole URL, such as \"http://127.0.0.1:8000/health\"");
  } else if (form == service::Form::path_within && !stays_inside(text)) {
    reader.complain(
        key, fmt::format("key \"{}\": expected a path inside the store, without \"..\"", key),
        "write it relative to the store's root");
  } else if (form == service::Form::sha256) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
      return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    std::array<std::byte, 32> ignored;
    if (from_hex(text, ignored)) return;
    reader.complain(key, fmt::format("key \"{}\": expected 64 hexadecimal digits", key),
                    "`sha256sum FILE` prints them");
  }
}

/// One key of a check, into its test.
template <class Kind, class Value>
void read_key(TableReader& reader, const service::TestKey<Kind, Value>& key,
              const internal::StoreTypes& stores, Kind& test) {
  using service::Form;
  Value& value = test.*key.member;
  if constexpr (std::is_integral_v<Value>) {
    const auto number = reader.integer(key.name, key.least, key.most);
    if (number) value = static_cast<Value>(*number);
  } else if constexpr (std::is_same_v<Value, std::string>) {
    const std::string_view name = &value == &test.asked() ? Kind::kKind.key : key.name;
    if (key.form == Form::sql_store) {
      value = parse_store_name(reader, name, stores, &stores::Type::answers_sql);
    } else if (key.form == Form::path_store) {
      value = parse_store_name(reader, name, stores, &stores::Type::holds_paths);
    } else if (key.form == Form::file) {
      value = reader.required_path(name).native();
    } else {
      value = reader.required_text(name);
      check_form(reader, name, key.form, value);
    }
  } else {
    value = reader.text(key.name);
    if (value) check_form(reader, key.name, key.form, *value);
  }
}

/// The one of the keys that say what kind of check it is; empty, with a finding, when there is not
/// exactly one.
std::string_view parse_kind(TableReader& reader, Where where) {
  std::vector<std::string_view> kinds;
  service::for_each_kind([&](const auto& test) {
    if (where == Where::probe || !test.kKind.only_watched) kinds.push_back(test.kKind.key);
  });
  std::vector<std::string_view> given;
  for (const std::string_view kind : kinds) {
    if (reader.has(kind)) given.push_back(kind);
  }
  if (given.size() == 1) return given.front();
  if (given.empty()) {
    reader.complain("", fmt::format("[[{}]] has no key that says what to check", reader.path()),
                    fmt::format("add one of: {}", fmt::join(kinds, ", ")));
  } else {
    reader.complain(
        given.back(), fmt::format("[[{}]] has both {} and {}", reader.path(), given[0], given[1]),
        fmt::format("a {1} asks one thing: write [[{0}]] twice, one with {2} and one "
                    "with {3}, each with a name of its own",
                    reader.path(), where == Where::check ? "check" : "probe", given[0], given[1]));
  }
  return {};
}

service::Check parse_check(TableReader& reader, Where where, const internal::StoreTypes& stores) {
  service::Check check;
  if (where == Where::probe) check.timeout_s = kProbeTimeout_s;
  check.timeout_s = reader.duration_s("timeout").value_or(check.timeout_s);
  const std::string_view kind = parse_kind(reader, where);
  service::for_each_kind([&]<class Kind>(Kind test) {
    if (Kind::kKind.key != kind) return;
    service::for_each_key<Kind>([&](const auto& key) { read_key(reader, key, stores, test); });
    check.test = std::move(test);
  });
  // A probe watches the live service, and the others always ask the copy.
  const bool asks_copy = service::kind_of(check).asks == service::Asks::copy;
  if (where == Where::check && !kind.empty() && !asks_copy) {
    check.isolated = reader.boolean("isolated").value_or(false);
  }
  check.name = where == Where::check ? reader.required_text("name")
                                     : reader.text("name").value_or(service::asked_by(check));
  // Without its kind, nothing is known about the other keys.
  if (!kind.empty()) reader.finish();
  return check;
}

void require_unique(TableReader& reader, std::set<std::string>& names, const std::string& name) {
  if (name.empty() || names.insert(name).second) return;
  reader.complain("name", fmt::format("a second \"{}\" in this service", printable(name)),
                  "names are unique within a service");
}

/// The checks of a service, or the probes of its watch.
std::vector<service::Check> parse_all(TableReader& table, Where where,
                                      const internal::StoreTypes& stores) {
  const std::string_view key = where == Where::check ? "check" : "probe";
  std::vector<service::Check> checks;
  std::set<std::string> names;
  for (const TomlValue* value : table.tables(key)) {
    TableReader reader(*value, fmt::format("{}.{}", table.path(), key), table.findings());
    checks.push_back(parse_check(reader, where, stores));
    require_unique(reader, names, checks.back().name);
  }
  return checks;
}

}  // namespace

std::vector<service::Check> internal::parse_checks(TableReader& service,
                                                   const internal::StoreTypes& stores) {
  return parse_all(service, Where::check, stores);
}

std::vector<service::Reference> internal::parse_references(TableReader& service,
                                                           const internal::StoreTypes& stores) {
  std::vector<service::Reference> references;
  std::set<std::string> names;
  for (const TomlValue* value : service.tables("reference")) {
    TableReader reader(*value, service.path() + ".reference", service.findings());
    service::Reference reference;
    reference.name = reader.required_text("name");
    reference.from = parse_store_name(reader, "from", stores, &stores::Type::answers_sql);
    reference.sql = reader.required_text("sql");
    reference.in = parse_store_name(reader, "in", stores, &stores::Type::holds_paths);
    require_unique(reader, names, reference.name);
    reader.finish();
    references.push_back(std::move(reference));
  }
  return references;
}

std::optional<service::Watch> internal::parse_watch(TableReader& service,
                                                    const internal::StoreTypes& stores) {
  const TomlValue* value = service.table("watch");
  if (value == nullptr) return std::nullopt;
  TableReader reader(*value, service.path() + ".watch", service.findings());
  service::Watch watch;
  watch.duration_s = reader.duration_s("duration").value_or(watch.duration_s);
  watch.every_s = reader.duration_s("every").value_or(watch.every_s);
  watch.failures_max = reader.integer("max_failures", 0, kMost).value_or(0);
  if (watch.every_s > watch.duration_s) {
    reader.complain(
        reader.has("every") ? "every" : "duration",
        fmt::format("every ({} s) is longer than duration ({} s)", watch.every_s, watch.duration_s),
        "ask more often, or watch for longer");
  }
  watch.probes = parse_all(reader, Where::probe, stores);
  if (!reader.has("probe") || (watch.probes.empty() && reader.tables("probe").empty())) {
    reader.complain("probe", fmt::format("[{}] has no probe", reader.path()),
                    fmt::format("add a [[{}.probe]]", reader.path()));
  }
  reader.finish();
  return watch;
}

}  // namespace salvor::config
