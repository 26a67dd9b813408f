#pragma once

#include <optional>
#include <string>

#include "stores/type.h"

namespace salvor::service {

/// One store of a service: what it is called, of what kind it is, and what the user says of it. A
/// value.
struct Store {
  std::string name;                    ///< unique within the service
  const stores::Type* type = nullptr;  ///< never null in a configuration
  stores::Settings settings;
  /// A fall of entries or bytes beyond it makes a point suspect; empty: off.
  std::optional<int> shrink_percent = 50;

  /// Where it lives, and what it takes up there; see stores/type.h.
  stores::Location location() const { return type->location(settings); }
  std::optional<stores::Footprint> footprint() const { return type->footprint(settings); }
  /// Each backup plants a marker in the store itself.
  bool canary() const { return type->plants(settings); }
  /// What of it no snapshot has, as the user wrote it.
  std::vector<std::string> left_out() const;
};

/// A store with these settings; keys that are not among them have their defaults.
/// Errors: none.
Store make_store(std::string name, const stores::Type& type,
                 const stores::Settings& settings = stores::Settings::object());

}  // namespace salvor::service
