#include "service/service.h"

#include <algorithm>

#include "service/hooks.h"

namespace salvor::service {

bool knows_of_copy(const Migrate& migrate) {
  // Where one of the two asks the live service, its answer says nothing of the copy.
  return migrate.isolated || (mentions_copy(migrate.run.run) &&
                              (!migrate.needed || mentions_copy(migrate.needed->run)));
}

bool knows_of_copy(const Rebuild& rebuild) {
  return rebuild.isolated || mentions_copy(rebuild.run.run);
}

const Store* Service::find_store(std::string_view store) const {
  const auto found = std::ranges::find(stores, store, &Store::name);
  return found == stores.end() ? nullptr : &*found;
}

}  // namespace salvor::service
