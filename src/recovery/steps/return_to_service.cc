#include "recovery/internal/steps.h"
#include "recovery/internal/writes.h"

namespace salvor::recovery::internal {
namespace {

class ReturnToService final : public Step {
 public:
  StepId id() const override { return StepKind::return_to_service; }
  std::string what(const Plan& plan) const override {
    std::string text = "unlock writes";
    if (plan.writes) text += ": `" + plan.writes->unlock.run + "`";
    if (plan.return_to_service) text += "; then run `" + plan.return_to_service->run + "`";
    return text;
  }

  std::string run(RunContext& context) override {
    unlock_stores(context);
    context.journal.reach("return-to-service:stores");
    unlock_application(context);
    context.journal.reach("return-to-service:application");
    if (context.plan.return_to_service) {
      const std::string what = "the command return.run";
      service::require_success(
          context.hook(*context.plan.return_to_service, what), what,
          "correct the command, and resume with --resume (--current-commands takes it "
          "from the configuration): the data is restored and live");
    }
    return {};
  }

  /// An undo needs the same locks as the exchange did.
  void undo(RunContext& context) override {
    lock_application(context);
    lock_stores(context);
    require_no_writers(context);
  }
};

}  // namespace

Steps make_return_to_service(const Plan&, bool) {
  return one<ReturnToService>();
}

}  // namespace salvor::recovery::internal
