#include <algorithm>

#include "base/fd.h"
#include "recovery/internal/presence.h"
#include "recovery/internal/separate.h"
#include "recovery/internal/steps.h"

namespace salvor::recovery::internal {
namespace {

class Provision final : public Step {
 public:
  StepId id() const override { return StepKind::provision; }
  std::string what(const Plan& plan) const override {
    return plan.mode == service::Mode::drill ? "make the staging directory " + plan.staging
                                             : "make a workplace beside each target";
  }

  std::string run(RunContext& context) override {
    if (context.plan.mode == service::Mode::drill) {
      make_private_directories(context.plan.staging);
      return {};
    }
    for (const StorePlan& store : context.plan.stores) {
      if (!store.delta_in_place) context.replacement_of(store).provision();
      context.journal.reach("provision:" + store.name);
    }
    return leave_tokens(context);
  }

  void undo(RunContext& context) override {
    if (has_lost_command(context)) give_back_shared(context);
    for (const StorePlan& store : context.plan.stores) {
      if (store.delta_in_place) {
        remove_token(context, store);
        continue;
      }
      stores::Replacement& replacement = context.replacement_of(store);
      // A copy that was live may hold new writes. After a crash it may be live early.
      const bool may_be_written =
          context.journal.ever_began(StepKind::cut_over) || replacement.state().has_written;
      if (!may_be_written) replacement.discard_copy();
      context.journal.reach("provision:undone:" + store.name);
    }
  }

 private:
  /// Whether a command has begun that --current-commands has removed from the plan. Then no step is
  /// left that gives back what the command wrote through files shared with the live store.
  static bool has_lost_command(const RunContext& context) {
    if (context.journal.ever_began(StepKind::cut_over)) return false;
    const std::vector<PlanStep> steps = steps_of(context.plan);
    return std::ranges::any_of(context.journal.entries(), [&](const JournalEntry& entry) {
      return entry.event == Event::began &&
             std::ranges::find(steps, entry.step, &PlanStep::id) == steps.end();
    });
  }
};

}  // namespace

Steps make_provision(const Plan&, bool) {
  return one<Provision>();
}

}  // namespace salvor::recovery::internal
