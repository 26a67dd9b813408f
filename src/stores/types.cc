#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/error.h"
#include "stores/files/files.h"
#include "stores/sqlite/sqlite.h"
#include "stores/type.h"

namespace salvor::stores {
namespace {

/// Types of later versions. A configuration that names one is told so.
constexpr std::array<std::string_view, 3> kPlanned{"postgres", "mariadb", "bucket"};

std::vector<const Type*>& known() {
  static std::vector<const Type*> all{
      &files_type(),
      &sqlite_type(),
  };
  return all;
}

/// The value of a key that the user left out.
Settings default_of(const SettingsKey& key) {
  switch (key.kind) {
    case SettingsKey::Kind::text:
    case SettingsKey::Kind::path:
      return "";
    case SettingsKey::Kind::flag:
      return false;
    case SettingsKey::Kind::texts:
      return Settings::array();
    case SettingsKey::Kind::word:
      return key.words.front();
  }
  return nullptr;
}

}  // namespace

std::vector<const Type*> types() {
  return known();
}

const Type* find_type(std::string_view name) {
  const auto found =
      std::ranges::find_if(known(), [&](const Type* type) { return type->name() == name; });
  return found == known().end() ? nullptr : *found;
}

const Type& type_named(std::string_view name) {
  if (const Type* type = find_type(name)) return *type;
  throw Error(ErrorCode::configuration,
              fmt::format("stores of type {} are not known to this version", printable(name)),
              "use the version of salvor that wrote this, or a newer one");
}

bool is_planned_type(std::string_view name) {
  return std::ranges::find(kPlanned, name) != kPlanned.end();
}

void add_type(const Type& type) {
  known().push_back(&type);
}

bool Type::plants(const Settings& settings) const {
  return settings.value("canary", false);
}

Settings completed(const Type& type, const Settings& given) {
  Settings settings;
  for (const SettingsKey& key : type.keys()) {
    const auto found = given.find(std::string(key.name));
    settings[std::string(key.name)] = found == given.end() ? default_of(key) : *found;
  }
  settings.update(given);
  return settings;
}

bool is_of_kind(const Settings& value, const SettingsKey& key) {
  switch (key.kind) {
    case SettingsKey::Kind::text:
    case SettingsKey::Kind::path:
      return value.is_string();
    case SettingsKey::Kind::flag:
      return value.is_boolean();
    case SettingsKey::Kind::texts:
      return value.is_array() && std::ranges::all_of(value, &Settings::is_string);
    case SettingsKey::Kind::word:
      return value.is_string() && std::ranges::count(key.words, value.get<std::string>()) != 0;
  }
  return false;
}

Location location_of(std::filesystem::path path) {
  std::string text = path.native();
  return {std::move(text), std::move(path)};
}

}  // namespace salvor::stores
