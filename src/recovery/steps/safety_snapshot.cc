#include <fmt/format.h>

#include "backup/backup.h"
#include "base/error.h"
#include "base/json.h"
#include "evidence/evidence.h"
#include "recovery/execute.h"
#include "recovery/internal/steps.h"

namespace salvor::recovery::internal {
namespace {

/// Takes one point for each store, so that a store that can't be read costs the others nothing.
class SafetySnapshot final : public Step {
 public:
  StepId id() const override { return StepKind::safety_snapshot; }
  bool is_guard() const override { return true; }
  std::string what(const Plan&) const override {
    return "back up the live data, before it is replaced";
  }

  std::string run(RunContext& context) override {
    nlohmann::ordered_json points = nlohmann::ordered_json::array();
    std::string unreadable;
    for (const StorePlan& store : context.plan.stores) {
      if (!store.safety_snapshot) {
        context.deviations.push_back("store " + store.name +
                                     ": no safety snapshot was taken, as the options say");
        continue;
      }
      if (!context.live_of(store).identify(0).exists) {
        const std::string line =
            "store " + store.name + " does not exist, so there is nothing to keep";
        context.say(line);
        context.deviations.push_back(line);
        continue;
      }
      if (context.no_safety_snapshot) {
        throw no_safety_snapshot(context.plan, *context.no_safety_snapshot);
      }
      try {
        points.push_back(keep(context, store));
      } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled || error.code() == ErrorCode::unreachable) throw;
        if (error.unwritable()) throw no_safety_snapshot(context.plan, error);
        unreadable += "\n  store " + store.name + ": " + error.message();
      }
      context.journal.reach("safety-snapshot:" + store.name);
    }
    if (unreadable.empty()) return write_json(points);
    throw Error(ErrorCode::refused, "no safety snapshot can be taken" + unreadable,
                "look at the live data first; --without-safety-snapshot-of STORE continues without "
                "the safety snapshot of that store (its old data is kept beside the restored data "
                "all the same)");
  }

 private:
  static std::string keep(RunContext& context, const StorePlan& store) {
    const auto source = context.access.live_source(store);
    backup::Options options;
    options.service = context.plan.service;
    options.version = context.point.version;
    options.facts = {
        {"purpose", "safety"},
        {"run", context.plan.run},
        {std::string(evidence::kEvidenceHeadFact),
         evidence::to_fact(evidence::head_of(context.repository, context.plan.service))}};
    if (!context.plan.host.empty()) options.facts["host"] = context.plan.host;
    options.stop = context.stop;
    const auto result =
        backup::run(context.repository, {{store.name, store.type, source.get(), true}}, options);
    for (const backup::Unreadable& lost : result.unreadable) {
      const std::string line = fmt::format("safety snapshot of {}: {} could not be read: {}",
                                           store.name, printable(lost.path), lost.reason);
      context.say(line);
      context.deviations.push_back(line);
    }
    return result.point.id.hex();
  }
};

}  // namespace

Steps make_safety_snapshot(const Plan& plan, bool) {
  return one<SafetySnapshot>(plan.safety_snapshot);
}

}  // namespace salvor::recovery::internal
