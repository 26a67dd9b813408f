#include "base/error.h"
#include "recovery/internal/separate.h"
#include "recovery/internal/steps.h"
#include "recovery/internal/writes.h"

namespace salvor::recovery::internal {
namespace {

class CutOver final : public Step {
 public:
  std::string name() const override { return "cut-over"; }
  std::string what(const Plan&) const override {
    return "exchange the restored copies with what is live, which is kept";
  }

  std::string run(RunContext& context) override {
    give_back_shared(context);
    require_still_locked(context);
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

 private:
  /// What was written since somebody let writes in would go with the old data, unsaid.
  static void require_still_locked(RunContext& context) {
    if (application_is_locked(context).value_or(true)) return;
    throw Error(ErrorCode::refused,
                "writes.locked says that writes are not locked any more: somebody has let them in",
                "see who; go back with --undo and begin again, so that a safety snapshot has what "
                "was written since; or give that up, and go on with --resume");
  }
};

}  // namespace

std::unique_ptr<Step> make_cut_over() {
  return std::make_unique<CutOver>();
}

}  // namespace salvor::recovery::internal
