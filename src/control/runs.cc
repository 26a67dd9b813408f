#include "control/control.h"
#include "control/internal/records.h"

namespace salvor::control {

std::vector<catalog::RunRow> list_runs(const Config& config, const catalog::RunFilter& filter) {
  return internal::open_catalog(config).runs(filter);
}

catalog::RunRow show_run(const Config& config, const std::string& run) {
  auto row = internal::open_catalog(config).run(run);
  if (row) return *row;
  throw Error(ErrorCode::not_found, "there is no run " + printable(run) + " in the catalog",
              "`salvor runs` lists those of this machine");
}

}  // namespace salvor::control
