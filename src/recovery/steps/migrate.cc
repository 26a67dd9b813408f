#include <nlohmann/json.hpp>

#include "recovery/internal/separate.h"
#include "recovery/internal/steps.h"

namespace salvor::recovery::internal {
namespace {

class Migrate final : public Step {
 public:
  std::string name() const override { return "migrate"; }
  std::string what(const Plan& plan) const override {
    return "run `" + plan.migrate->run.run + "`" +
           (plan.migrate->needed ? " if the schema has drifted" : "");
  }

  std::string run(RunContext& context) override {
    const MigratePlan& migrate = *context.plan.migrate;
    const bool needed =
        !migrate.needed || context.ask(*migrate.needed, "the command migrate.needed");
    if (needed) {
      require_success(context.hook(migrate.run), "the command migrate.run",
                      "mend it, and go on with --resume; or go back with --undo");
      if (context.plan.mode == Mode::restore) separate_all(context);
    }
    return nlohmann::ordered_json{{"needed", needed}}.dump();
  }
};

class Rebuild final : public Step {
 public:
  explicit Rebuild(const RebuildPlan& rebuild) : rebuild_(rebuild) {}
  std::string name() const override { return "rebuild-" + rebuild_.name; }
  std::string what(const Plan&) const override { return "run `" + rebuild_.run.run + "`"; }

  std::string run(RunContext& context) override {
    require_success(context.hook(rebuild_.run), "the command of rebuild " + rebuild_.name,
                    "mend it, and go on with --resume; or go back with --undo");
    if (context.plan.mode == Mode::restore) separate_all(context);
    return {};
  }

 private:
  const RebuildPlan rebuild_;
};

}  // namespace

std::unique_ptr<Step> make_migrate() {
  return std::make_unique<Migrate>();
}

std::unique_ptr<Step> make_rebuild(const RebuildPlan& rebuild) {
  return std::make_unique<Rebuild>(rebuild);
}

}  // namespace salvor::recovery::internal
