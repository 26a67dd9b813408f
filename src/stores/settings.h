#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

/// What a user says of a store: its table in the configuration, as one JSON object from there to a
/// plan, its journal and the digest of the policy.
namespace salvor::stores {

/// The settings of one store: every key of its type (Type::keys()), with a value of the key's kind;
/// keys that the user left out have their defaults.
/// Shape: text and path: string; flag: boolean; texts: array of strings; word: one of its words.
using Settings = nlohmann::ordered_json;

/// One key that the table of a store may have. A configuration is read by these, so a key that is
/// not among them is an error at its line.
struct SettingsKey {
  /// What a value is, and what it is where the key is left out.
  enum class Kind {
    text,   ///< default ""
    path,   ///< an absolute path; relative ones begin at the directory of the file; default ""
    flag,   ///< default false
    texts,  ///< default []
    word,   ///< one of `words`; default: the first
  };

  std::string_view name;
  Kind kind = Kind::path;
  std::string_view help;  ///< what it is, for messages: "the directory"
  bool is_required = false;
  std::span<const std::string_view> words = {};
  /// Refuses a value of the right kind that can't work. It sees the keys before it, too.
  /// Errors: configuration.
  void (*check)(const Settings& settings) = nullptr;
};

/// Whether a value has the shape of the key's kind. `check` is not asked.
bool is_of_kind(const Settings& value, const SettingsKey& key);

/// Where a store, a copy or a workplace is.
struct Location {
  std::string text;                 ///< as users write and see it
  std::filesystem::path path = {};  ///< empty where it is no place of a file system
  /// A bucket has none: who needs a directory beside it asks first.
  bool is_path() const { return !path.empty(); }
  bool operator==(const Location&) const = default;
};

/// The location of a path.
Location location_of(std::filesystem::path path);

}  // namespace salvor::stores
