#include "control/internal/restores.h"

namespace salvor::control::internal {

std::vector<catalog::RunRow> restores_in_place(Records& records, const std::string& service,
                                               const std::string& repository) {
  if (records.catalog() == nullptr) return {};
  auto rows = records.catalog()->runs(
      {.service = service, .kind = catalog::RunKind::restore, .repository = repository});
  std::erase_if(rows, [&](const catalog::RunRow& row) {
    const bool good =
        row.state == catalog::RunState::succeeded || row.state == catalog::RunState::closed;
    // One beside the live data has no journal.
    return !good || !records.catalog()->journal_record(row.id.text, 1);
  });
  return rows;
}

}  // namespace salvor::control::internal
