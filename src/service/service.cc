#include "service/service.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "base/nearest_name.h"
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

void Service::require_stores(const std::vector<std::string>& names) const {
  std::vector<std::string_view> known;
  for (const Store& store : stores) known.emplace_back(store.name);
  for (const std::string& each : names) {
    if (find_store(each) != nullptr) continue;
    throw Error(ErrorCode::not_found,
                fmt::format("service {} has no store \"{}\"", name, printable(each)),
                suggest(each, known));
  }
}

std::vector<const Store*> Service::chosen_stores(const std::vector<std::string>& names) const {
  require_stores(names);
  std::vector<const Store*> chosen;
  for (const Store& store : stores) {
    const bool is_named = std::ranges::find(names, store.name) != names.end();
    if (names.empty() || is_named) chosen.push_back(&store);
  }
  std::stable_partition(chosen.begin(), chosen.end(),
                        [](const Store* store) { return store->type->marks_exactly(); });
  return chosen;
}

const Store* Service::find_store(std::string_view store) const {
  const auto found = std::ranges::find(stores, store, &Store::name);
  return found == stores.end() ? nullptr : &*found;
}

}  // namespace salvor::service
