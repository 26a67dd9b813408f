#include "recovery/internal/steps.h"
#include "recovery/internal/verdicts.h"

namespace salvor::recovery::internal {
namespace {

class VerifyCopy final : public Step {
 public:
  std::string name() const override { return "verify-copy"; }
  std::string what(const Plan& plan) const override {
    return plan.mode == Mode::drill ? "read every byte back, and compare it with the point"
                                    : "compare names, sizes and numbers with the point";
  }

  std::string run(RunContext& context) override {
    const Depth depth = context.plan.mode == Mode::drill ? Depth::content : Depth::counts;
    std::vector<CheckOutcome> outcomes;
    for (const StorePlan& store : context.plan.stores) {
      const auto source = context.access.copy_source(store, context.copy_path(store));
      outcomes.push_back(compare_with_point(context.repository, context.snapshot(store), *source,
                                            depth, context.stop));
    }
    std::string remembered = json_of(outcomes);
    judge(context, std::move(outcomes));
    return remembered;
  }
};

}  // namespace

std::unique_ptr<Step> make_verify_copy() {
  return std::make_unique<VerifyCopy>();
}

}  // namespace salvor::recovery::internal
