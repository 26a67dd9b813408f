#include "control/internal/restores.h"

#include <fmt/format.h>

#include "control/runs.h"

namespace salvor::control::internal {

using catalog::RunState;

std::vector<catalog::RunRow> restores_in_place(Logbook& logbook, const std::string& service,
                                               const std::string& repository) {
  if (logbook.catalog() == nullptr) return {};
  auto rows = logbook.catalog()->runs(
      {.service = service, .kind = catalog::RunKind::restore, .repository = repository});
  std::erase_if(rows, [&](const catalog::RunRow& row) {
    const bool good =
        row.state == catalog::RunState::succeeded || row.state == catalog::RunState::closed;
    return !good || !is_in_place(row).value_or(false);
  });
  return rows;
}

RunState state_in_catalog(RunState state) {
  return state == RunState::abandoned ? RunState::failed : state;
}

std::string error_of(const recovery::RunOutcome& outcome) {
  if (outcome.failure) return outcome.failure->message();
  std::string failed;
  for (const recovery::StepOutcome& step : outcome.steps) {
    if (!step.error.empty())
      failed = fmt::format("step {} failed: {}", name_of(step.id), step.error);
  }
  if (outcome.state == RunState::abandoned) {
    return "the run was abandoned" + (failed.empty() ? "" : ", after " + failed);
  }
  return outcome.state == RunState::failed || outcome.state == RunState::interrupted ? failed : "";
}

}  // namespace salvor::control::internal
