#include "control/internal/restores.h"

#include <fmt/format.h>

#include "control/runs.h"

namespace salvor::control::internal {

std::vector<catalog::RunRow> restores_in_place(Records& records, const std::string& service,
                                               const std::string& repository) {
  if (records.catalog() == nullptr) return {};
  auto rows = records.catalog()->runs(
      {.service = service, .kind = catalog::RunKind::restore, .repository = repository});
  std::erase_if(rows, [&](const catalog::RunRow& row) {
    const bool good =
        row.state == catalog::RunState::succeeded || row.state == catalog::RunState::closed;
    return !good || !is_in_place(row).value_or(false);
  });
  return rows;
}

catalog::RunState state_of(const recovery::RunOutcome& outcome) {
  return catalog::parse_run_state(outcome.state).value_or(catalog::RunState::failed);
}

std::string error_of(const recovery::RunOutcome& outcome) {
  if (outcome.failure) return outcome.failure->message();
  std::string failed;
  for (const recovery::StepOutcome& step : outcome.steps) {
    if (!step.error.empty()) failed = fmt::format("step {} failed: {}", step.name, step.error);
  }
  if (outcome.state == recovery::kAbandoned) {
    return "the run was abandoned" + (failed.empty() ? "" : ", after " + failed);
  }
  return outcome.state == "failed" || outcome.state == "interrupted" ? failed : "";
}

}  // namespace salvor::control::internal
