#include "service/store.h"

namespace salvor::service {

std::vector<std::string> Store::left_out() const {
  const std::optional<stores::Footprint> footprint = this->footprint();
  return footprint ? footprint->exclude : std::vector<std::string>();
}

Store make_store(std::string name, std::string_view type, const stores::Settings& settings) {
  Store store;
  store.name = std::move(name);
  store.type = &stores::type_named(type);
  store.settings = stores::completed(*store.type, settings);
  return store;
}

}  // namespace salvor::service
