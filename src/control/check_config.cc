#include <algorithm>
#include <filesystem>

#include "control/control.h"
#include "control/internal/opened.h"
#include "control/internal/store_types.h"

namespace salvor::control {
namespace {

void check_repository(const Config& config, const Caller& caller, ConfigCheckReport& report) {
  try {
    internal::open_repository(config, repo::Access::read, caller.stop);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      report.repository_absent = true;
    } else {
      report.repository_problem = error.message();
    }
  }
}

}  // namespace

bool ConfigCheckReport::good() const {
  return repository_problem.empty() &&
         std::all_of(stores.begin(), stores.end(),
                     [](const StoreReachability& store) { return store.problem.empty(); });
}

ConfigCheckReport check_config(const Config& config, const Caller& caller) {
  check_paths(config);
  ConfigCheckReport report;
  report.file = config.file.native();
  report.location = config.repository.path.native();
  for (const ServiceConfig& service : config.services) {
    for (const StoreConfig& store : service.stores) {
      report.stores.push_back({service.name, store.name, std::string(store.type()),
                               store.path().native(), internal::problem_reaching(store)});
    }
  }
  check_repository(config, caller, report);
  return report;
}

}  // namespace salvor::control
