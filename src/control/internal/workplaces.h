#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/config.h"
#include "service/service.h"

namespace salvor::control::internal {

/// The workplace of a restore in place, beside the live path of a store.
struct Workplace {
  std::string run;
  std::string store;
  std::filesystem::path path;
};

/// Those that lie beside the stores of a service, whatever restored there, in order of stores and
/// runs.   Errors: none: what can't be read is left out.
std::vector<Workplace> find_workplaces(const config::Config& config,
                                       const service::Service& service);

/// Whether a name is one that salvor gives to workplaces.
bool is_workplace_name(std::string_view name);

}  // namespace salvor::control::internal
