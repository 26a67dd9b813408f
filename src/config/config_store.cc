#include "config/internal/service_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/bytes.h"
#include "base/nearest_name.h"
#include "stores/disk/exclude.h"

namespace salvor::config {
namespace {

constexpr std::array<std::string_view, 5> kTypes{"files", "sqlite", "postgres", "mariadb",
                                                 "bucket"};
constexpr std::array<std::string_view, 2> kSupportedTypes{"files", "sqlite"};

FilesStoreConfig parse_files(TableReader& reader) {
  FilesStoreConfig files;
  files.path = reader.required_path("path");
  files.exclude = reader.texts("exclude");
  reader.locate("exclude", [&] {
    const stores::disk::Exclude compiled(files.exclude);
    stores::disk::require_matchable(files.exclude, files.path.native());
  });
  files.one_file_system = reader.boolean("one_file_system").value_or(false);
  const auto unreadable = reader.choice("on_unreadable", {"fail", "warn"});
  if (unreadable) files.on_unreadable = *unreadable == 0 ? OnUnreadable::fail : OnUnreadable::warn;
  files.canary = reader.boolean("canary").value_or(false);
  return files;
}

SqliteStoreConfig parse_sqlite(TableReader& reader) {
  SqliteStoreConfig sqlite;
  sqlite.path = reader.required_path("path");
  sqlite.canary = reader.boolean("canary").value_or(false);
  return sqlite;
}

/// The percentage in "50%"; empty: "off".
std::optional<int> parse_shrink(TableReader& reader) {
  const std::optional<std::string> text = reader.text("shrink");
  if (!text) return StoreConfig().shrink_percent;
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

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::optional<StoreConfig> internal::parse_store(const std::string& name, const TomlValue& value,
                                                 const std::string& path, Findings& findings) {
  TableReader reader(value, path, findings);
  const std::string type = reader.required_text("type");
  // Without its type nothing is known about a store's other keys, so they are left alone.
  if (type.empty()) return std::nullopt;
  if (!contains(kTypes, type)) {
    reader.complain("type", fmt::format("unknown type of store \"{}\"", printable(type)),
                    suggest(type, kSupportedTypes));
    return std::nullopt;
  }
  if (!contains(kSupportedTypes, type)) {
    reader.complain("type",
                    fmt::format("stores of type \"{}\" are not supported by this version", type),
                    fmt::format("supported are: {}", fmt::join(kSupportedTypes, ", ")));
    return std::nullopt;
  }
  StoreConfig store;
  store.name = name;
  if (type == FilesStoreConfig::kType) {
    store.details = parse_files(reader);
  } else {
    store.details = parse_sqlite(reader);
  }
  store.shrink_percent = parse_shrink(reader);
  reader.finish();
  return store;
}

}  // namespace salvor::config
