#include <algorithm>

#include "base/error.h"
#include "checks/outcome_json.h"
#include "recovery/internal/separate.h"
#include "recovery/internal/steps.h"
#include "recovery/internal/verdicts.h"
#include "recovery/internal/writes.h"

namespace salvor::recovery::internal {
namespace {

/// Whether a check can answer only after the cut-over. One that asks the service itself (`live`)
/// can answer only once the service is back.
bool is_late(const service::Check& check, bool live) {
  return !service::knows_of_copy(check) &&
         (service::kind_of(check).asks == service::Asks::service) == live;
}

bool has_late(const Plan& plan, bool live) {
  return std::ranges::any_of(plan.checks,
                             [live](const service::Check& check) { return is_late(check, live); });
}

std::size_t count_late(const Plan& plan) {
  return static_cast<std::size_t>(std::ranges::count_if(
      plan.checks, [](const service::Check& check) { return !service::knows_of_copy(check); }));
}

/// Asks the late checks of one kind, now that the copies are live.
std::string run_late(RunContext& context, bool live) {
  checks::CheckSubjects subjects = context.subjects();
  subjects.live = true;
  std::vector<checks::CheckOutcome> outcomes;
  const auto ask = [&] {
    for (const service::Check& check : context.plan.checks) {
      if (is_late(check, live))
        outcomes.push_back(checks::run_check(check, subjects, context.stop));
    }
  };
  if (live) {
    ask();
  } else {
    with_stores_open(context, ask);
    give_back_shared(context);
  }
  std::string remembered = checks::json_of(outcomes);
  judge(context, std::move(outcomes));
  return remembered;
}

class Validate final : public Step {
 public:
  StepId id() const override { return StepKind::validate; }
  std::string what(const Plan& plan) const override {
    return "run the stores' own checks, " + std::to_string(plan.checks.size() - count_late(plan)) +
           " checks of the service, and its references: " + std::to_string(plan.references.size());
  }

  std::string run(RunContext& context) override {
    const checks::CheckSubjects subjects = context.subjects();
    std::vector<checks::CheckOutcome> outcomes;
    for (const StorePlan& store : context.plan.stores) {
      for (checks::CheckOutcome& outcome : checks::run_self_checks(
               store.name, context.copy_of(store), context.stop, context.snapshot(store).facts)) {
        outcomes.push_back(std::move(outcome));
      }
    }
    for (const service::Check& check : context.plan.checks) {
      // A restore asks the live service after the cut-over. A drill never asks it.
      if (!service::knows_of_copy(check) && context.plan.mode == service::Mode::restore) continue;
      outcomes.push_back(checks::run_check(check, subjects, context.stop));
    }
    for (const service::Reference& reference : context.plan.references) {
      outcomes.push_back(checks::run_reference(reference, subjects, context.stop));
    }
    give_back_shared(context);
    std::string remembered = checks::json_of(outcomes);
    judge(context, std::move(outcomes));
    return remembered;
  }

  void undo(RunContext& context) override { give_back_shared(context); }
};

/// After the cut-over: the checks that were late, in place and then over HTTP.
class ValidateLate final : public Step {
 public:
  explicit ValidateLate(bool http) : http_(http) {}
  StepId id() const override {
    return http_ ? StepKind::validate_live : StepKind::validate_in_place;
  }
  std::string what(const Plan&) const override {
    return http_ ? "run the checks that ask the service"
                 : "run the checks that do not know of the copy, on the live service";
  }
  std::string run(RunContext& context) override { return run_late(context, http_); }
  void undo(RunContext& context) override {
    if (!http_) give_back_shared(context);
  }

 private:
  const bool http_;
};

/// Where a plan has late checks of this kind.
Steps late(const Plan& plan, bool http) {
  Steps steps;
  if (has_late(plan, http)) steps.push_back(std::make_unique<ValidateLate>(http));
  return steps;
}

}  // namespace

Steps make_validate(const Plan&, bool) {
  return one<Validate>();
}

Steps make_validate_in_place(const Plan& plan, bool) {
  return late(plan, false);
}

Steps make_validate_live(const Plan& plan, bool) {
  return late(plan, true);
}

}  // namespace salvor::recovery::internal
