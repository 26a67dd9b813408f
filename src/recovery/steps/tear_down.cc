#include "base/remove_tree.h"
#include "recovery/internal/steps.h"

namespace salvor::recovery::internal {
namespace {

class TearDown final : public Step {
 public:
  StepId id() const override { return StepKind::tear_down; }
  std::string what(const Plan& plan) const override { return "remove " + plan.staging; }

  std::string run(RunContext& context) override {
    context.copies.clear();
    remove_tree(context.plan.staging);
    return {};
  }
};

}  // namespace

Steps make_tear_down(const Plan&, bool) {
  return one<TearDown>();
}

}  // namespace salvor::recovery::internal
