#include "base/error.h"
#include "recovery/internal/separate.h"
#include "recovery/internal/steps.h"
#include "recovery/internal/verdicts.h"

namespace salvor::recovery::internal {
namespace {

bool asks_live_service(const Check& check) {
  return std::holds_alternative<HttpTest>(check.test);
}

class Validate final : public Step {
 public:
  std::string name() const override { return "validate"; }
  std::string what(const Plan& plan) const override {
    return "run the stores' own checks, " + std::to_string(plan.checks.size()) + " checks and " +
           std::to_string(plan.references.size()) + " references of the service";
  }

  std::string run(RunContext& context) override {
    const CheckSubjects subjects = context.subjects();
    std::vector<CheckOutcome> outcomes;
    for (const StorePlan& store : context.plan.stores) {
      for (CheckOutcome& outcome :
           run_self_checks(store.name, context.copy_of(store), context.stop)) {
        outcomes.push_back(std::move(outcome));
      }
    }
    for (const Check& check : context.plan.checks) {
      // A restore asks the live service once the copy is live.
      if (asks_live_service(check) && context.plan.mode == Mode::restore) continue;
      outcomes.push_back(run_check(check, subjects, context.stop));
    }
    for (const Reference& reference : context.plan.references) {
      outcomes.push_back(run_reference(reference, subjects, context.stop));
    }
    give_back_shared(context);
    std::string remembered = json_of(outcomes);
    judge(context, std::move(outcomes));
    return remembered;
  }

  void undo(RunContext& context) override { give_back_shared(context); }
};

class ValidateLive final : public Step {
 public:
  std::string name() const override { return "validate-live"; }
  std::string what(const Plan&) const override { return "run the checks that ask the service"; }

  std::string run(RunContext& context) override {
    CheckSubjects subjects = context.subjects();
    subjects.live = true;
    std::vector<CheckOutcome> outcomes;
    for (const Check& check : context.plan.checks) {
      if (asks_live_service(check)) outcomes.push_back(run_check(check, subjects, context.stop));
    }
    std::string remembered = json_of(outcomes);
    judge(context, std::move(outcomes));
    return remembered;
  }
};

}  // namespace

std::unique_ptr<Step> make_validate() {
  return std::make_unique<Validate>();
}

std::unique_ptr<Step> make_validate_live() {
  return std::make_unique<ValidateLive>();
}

}  // namespace salvor::recovery::internal
