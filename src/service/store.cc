#include "service/store.h"

namespace salvor::service {

std::vector<std::string> Store::left_out() const {
  const std::optional<stores::Footprint> footprint = this->footprint();
  return footprint ? footprint->exclude : std::vector<std::string>();
}

Store make_store(std::string name, const stores::Type& type, const stores::Settings& settings) {
  return {std::move(name), &type, stores::completed(type, settings)};
}

}  // namespace salvor::service
