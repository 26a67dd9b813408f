#include "base/error.h"
#include "recovery/internal/steps.h"

namespace salvor::recovery::internal {
namespace {

class TearDown final : public Step {
 public:
  std::string name() const override { return "tear-down"; }
  std::string what(const Plan& plan) const override { return "remove " + plan.staging; }

  std::string run(RunContext& context) override {
    context.copies.clear();
    std::error_code error;
    std::filesystem::remove_all(context.plan.staging, error);
    if (!error) return {};
    throw Error(ErrorCode::failed,
                "the staging directory " + printable(context.plan.staging) +
                    " can't be removed: " + error.message(),
                "remove it by hand");
  }
};

}  // namespace

std::unique_ptr<Step> make_tear_down() {
  return std::make_unique<TearDown>();
}

}  // namespace salvor::recovery::internal
