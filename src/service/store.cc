#include "service/store.h"

namespace salvor::service {

std::vector<std::string> Store::left_out() const {
  const std::optional<stores::Footprint> footprint = this->footprint();
  return footprint ? footprint->exclude : std::vector<std::string>();
}

Store make_store(std::string name, std::string_view type, stores::Settings settings) {
  Store store;
  store.name = std::move(name);
  store.type = &stores::type_named(type);
  for (const stores::SettingsKey& key : store.type->keys()) {
    const auto given = settings.find(std::string(key.name));
    store.settings[std::string(key.name)] =
        given == settings.end() ? stores::default_of(key) : std::move(*given);
  }
  return store;
}

}  // namespace salvor::service
