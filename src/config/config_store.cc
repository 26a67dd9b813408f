#include "config/internal/service_parser.h"

#include <fmt/format.h>

#include <charconv>

#include "base/bytes.h"
#include "base/nearest_name.h"

namespace salvor::config {
namespace {

/// One key of the store's table, into its settings, which have its default until then.
void read_key(TableReader& reader, const stores::SettingsKey& key, stores::Settings& settings) {
  using Kind = stores::SettingsKey::Kind;
  stores::Settings& value = settings[std::string(key.name)];
  if (key.is_required && !reader.has(key.name)) {
    reader.complain_missing(key.name, fmt::format("add {} = \"…\", {}", key.name, key.help));
  } else if (key.kind == Kind::text) {
    value = reader.text(key.name).value_or("");
  } else if (key.kind == Kind::path) {
    if (const auto path = reader.path(key.name)) value = path->native();
  } else if (key.kind == Kind::flag) {
    value = reader.boolean(key.name).value_or(false);
  } else if (key.kind == Kind::texts) {
    value = reader.texts(key.name);
  } else if (const auto index = reader.choice(key.name, {key.words.begin(), key.words.end()})) {
    value = key.words[*index];
  }
  if (key.check != nullptr) reader.locate(key.name, [&] { key.check(settings); });
}

/// The percentage in "50%"; empty: "off".
std::optional<int> parse_shrink(TableReader& reader) {
  const std::optional<std::string> text = reader.text("shrink");
  if (!text) return service::Store().shrink_percent;
  if (*text == "off") return std::nullopt;
  int percent = 0;
  const char* const last = text->data() + text->size();
  const auto [end, error] = std::from_chars(text->data(), last, percent);
  const bool whole = error == std::errc{} && std::string_view(end, last) == "%";
  if (!whole || percent < 1 || percent > 99) {
    reader.complain(
        "shrink",
        fmt::format("key \"shrink\": found \"{}\", expected \"1%\" to \"99%\", or "
                    "\"off\"",
                    printable(*text)),
        "write which fall against the last good point makes a point suspect: \"50%\" is usual");
  }
  return percent;
}

std::vector<std::string_view> known_types() {
  std::vector<std::string_view> names;
  for (const stores::Type* each : stores::types()) names.push_back(each->name());
  return names;
}

void complain_of_type(TableReader& reader, const std::string& type) {
  const std::vector<std::string_view> known = known_types();
  if (stores::is_planned_type(type)) {
    reader.complain("type",
                    fmt::format("stores of type \"{}\" are not supported by this version", type),
                    fmt::format("supported are: {}", fmt::join(known, ", ")));
  } else {
    reader.complain("type", fmt::format("unknown type of store \"{}\"", printable(type)),
                    suggest(type, known));
  }
}

}  // namespace

std::optional<service::Store> internal::parse_store(const std::string& name, const TomlValue& value,
                                                    const std::string& path, Findings& findings) {
  TableReader reader(value, path, findings);
  if (!reader.has("type")) {
    reader.complain_missing(
        "type", fmt::format("add type = \"{}\"", fmt::join(known_types(), "\", or type = \"")));
  }
  const std::string type = reader.text("type").value_or("");
  // Without its type nothing is known about a store's other keys, so they are left alone.
  if (type.empty()) return std::nullopt;
  const stores::Type* const known = stores::find_type(type);
  if (known == nullptr) {
    complain_of_type(reader, type);
    return std::nullopt;
  }
  service::Store store = service::make_store(name, *known);
  for (const stores::SettingsKey& key : store.type->keys()) read_key(reader, key, store.settings);
  store.shrink_percent = parse_shrink(reader);
  reader.finish();
  return store;
}

}  // namespace salvor::config
