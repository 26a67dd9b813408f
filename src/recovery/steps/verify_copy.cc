#include <algorithm>

#include "base/error.h"
#include "checks/canary.h"
#include "checks/outcome_json.h"
#include "recovery/internal/separate.h"
#include "recovery/internal/steps.h"
#include "recovery/internal/verdicts.h"
#include "repo/records.h"

namespace salvor::recovery::internal {
namespace {

/// A copy that can't be read is a verdict, too: the other stores are still asked.
template <class Ask>
checks::CheckOutcome answered(const std::string& what, const StorePlan& store, const Ask& ask) {
  try {
    return ask();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled) throw;
    checks::CheckOutcome outcome;
    outcome.name = what + " of " + store.name;
    outcome.kind = "built-in";
    outcome.store = store.name;
    outcome.verdict = checks::Verdict::impossible;
    outcome.expected = "a copy that can be read";
    outcome.actual = error.message();
    return outcome;
  }
}

class VerifyCopy final : public Step {
 public:
  StepId id() const override { return StepKind::verify_copy; }
  std::string what(const Plan& plan) const override {
    return plan.mode == service::Mode::drill ? "read every byte back, and compare it with the point"
                                             : "compare names, sizes and numbers with the point";
  }

  /// Until a command writes into the copy, shared files can differ only by somebody else's writes.
  void take_up(RunContext& context) override {
    if (context.undoing || context.plan.mode != service::Mode::restore || has_run_commands(context))
      return;
    require_unwritten(context);
  }

  std::string run(RunContext& context) override {
    if (context.plan.mode == service::Mode::restore) require_unwritten(context);
    const checks::Depth depth =
        context.plan.mode == service::Mode::drill ? checks::Depth::content : checks::Depth::counts;
    const Secret key = repo::derive_secret(context.repository, checks::kCanaryPurpose);
    std::vector<checks::CheckOutcome> outcomes;
    for (const StorePlan& store : context.plan.stores) {
      outcomes.push_back(answered("comparison", store, [&] {
        const repo::Snapshot& snapshot = context.snapshot(store);
        const auto source = context.access.copy_source(store, context.repository, snapshot,
                                                       context.copy_location(store));
        return checks::compare_with_point(context.repository, snapshot, *source, depth,
                                          context.stop);
      }));
      outcomes.push_back(answered("canary", store, [&] {
        return checks::check_canary(key, context.point, context.snapshot(store),
                                    [&] { return context.copy_of(store).marker(context.stop); });
      }));
    }
    std::string remembered = checks::json_of(outcomes);
    judge(context, std::move(outcomes));
    return remembered;
  }

 private:
  /// Whether a step after this one has begun.
  bool has_run_commands(const RunContext& context) const {
    const auto& entries = context.journal.entries();
    const auto done = std::ranges::find_if(entries, [this](const JournalEntry& entry) {
      return entry.event == Event::done && entry.step == id();
    });
    return std::any_of(done, entries.end(), [this](const JournalEntry& entry) {
      return entry.event == Event::began && entry.step != id();
    });
  }
};

}  // namespace

Steps make_verify_copy(const Plan&, bool) {
  return one<VerifyCopy>();
}

}  // namespace salvor::recovery::internal
