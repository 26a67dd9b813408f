#include "recovery/internal/verdicts.h"

#include "base/bytes.h"
#include "base/error.h"
#include "checks/outcome_json.h"

namespace salvor::recovery::internal {

void judge(RunContext& context, std::vector<checks::CheckOutcome> outcomes) {
  constexpr std::size_t kShownBytesMax = 1024;
  std::string bad;
  for (checks::CheckOutcome& outcome : outcomes) {
    if (!outcome.good()) {
      bad += "\n  " + printable(outcome.name) + ": expected " +
             printable(checks::cut(outcome.expected, kShownBytesMax)) + ", found " +
             printable(checks::cut(outcome.actual, kShownBytesMax));
    }
    context.outcomes.push_back(std::move(outcome));
  }
  if (bad.empty() || context.plan.mode == service::Mode::drill) return;
  // The report of the run says what can be done now.
  throw Error(ErrorCode::checks_failed, "the restored copy fails its checks" + bad);
}

}  // namespace salvor::recovery::internal
