#include <algorithm>

#include "recovery/internal/separate.h"
#include "recovery/internal/steps.h"
#include "recovery/internal/writes.h"

namespace salvor::recovery::internal {
namespace {

class CutOver final : public Step {
 public:
  StepId id() const override { return StepKind::cut_over; }
  std::string what(const Plan&) const override {
    return "exchange the restored copies with what is live, which is kept";
  }

  std::string run(RunContext& context) override {
    give_back_shared(context);
    // A restore that writes over live data may have replaced the flag that says so.
    const bool over_live = std::ranges::any_of(
        context.plan.stores, [](const auto& each) { return each.delta_in_place; });
    if (!over_live) require_still_locked(context);
    for (const StorePlan& store : context.plan.stores) {
      if (store.delta_in_place) continue;
      context.replacement_of(store).cut_over(context.plan.holders_wait_ms);
      context.journal.reach("cut-over:" + store.name);
    }
    return {};
  }

  void undo(RunContext& context) override {
    give_back_shared(context);
    for (auto store = context.plan.stores.rbegin(); store != context.plan.stores.rend(); ++store) {
      if (store->delta_in_place) continue;
      stores::Replacement& replacement = context.replacement_of(*store);
      replacement.swap_back(context.plan.holders_wait_ms);
      context.journal.reach("cut-over:undone:" + store->name);
    }
  }
};

}  // namespace

Steps make_cut_over(const Plan&, bool) {
  return one<CutOver>();
}

}  // namespace salvor::recovery::internal
