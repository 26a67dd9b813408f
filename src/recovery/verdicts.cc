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
  throw Error(ErrorCode::checks_failed, "the restored copy fails its checks" + bad,
              "correct the cause and resume with --resume (with --current-commands, where a check "
              "was wrong), or undo with --undo");
}

}  // namespace salvor::recovery::internal
