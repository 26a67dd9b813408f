#include "control/internal/surroundings.h"

#include <memory>

#include "control/internal/staging.h"

namespace salvor::control::internal {
namespace {

constexpr const char* kSpool = "spool";

}  // namespace

stores::Surroundings surroundings_of(const config::Config& config) {
  return {.spool = [&config] { return config.state_directory / kSpool; },
          .forbidden = {config.repository.path}};
}

stores::Surroundings surroundings_of_restore(const config::Config& config) {
  stores::Surroundings around = surroundings_of(config);
  around.spool = [&config, place = std::make_shared<std::filesystem::path>()] {
    if (place->empty()) *place = work_place(config);
    return *place / kSpool;
  };
  return around;
}

}  // namespace salvor::control::internal
