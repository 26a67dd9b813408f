#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "recovery/internal/separate.h"
#include "recovery/internal/steps.h"
#include "recovery/internal/writes.h"

namespace salvor::recovery::internal {
namespace {

/// For people: the command, and whether it acts on the live service.
std::string run_what(const service::Command& command, bool knows_of_copy) {
  return "run `" + command.run + "`" +
         (knows_of_copy ? "" : " on the live service, since it does not know of the copy");
}

/// Runs a command against the copy. Whatever its result, data that it wrote through files shared
/// with the live store is given back first.
void run_on_copy(RunContext& context, const service::Command& command, const std::string& what) {
  std::optional<service::HookOutcome> outcome;
  try {
    outcome = context.hook(command, what);
  } catch (const Error&) {
    give_back_shared(context);
    throw;
  }
  give_back_shared(context);
  // What can be done with the run is said of every failure.
  service::require_success(*outcome, what, "correct the command");
}

class Migrate final : public Step {
 public:
  StepId id() const override { return StepKind::migrate; }
  std::string what(const Plan& plan) const override {
    return run_what(plan.migrate->run, service::knows_of_copy(*plan.migrate)) +
           (plan.migrate->needed ? ", if the schema has drifted" : "");
  }

  std::string run(RunContext& context) override {
    if (service::knows_of_copy(*context.plan.migrate)) return migrate(context);
    std::string remembered;
    with_stores_open(context, [&] { remembered = migrate(context); });
    return remembered;
  }

  void undo(RunContext& context) override { give_back_shared(context); }

 private:
  static std::string migrate(RunContext& context) {
    const bool needed = is_needed(context).value_or(true);
    if (needed) run_on_copy(context, context.plan.migrate->run, "the command migrate.run");
    if (needed && is_needed(context).value_or(false)) {
      // Some commands say yes also when the data is damaged. The checks will decide.
      const std::string line = "migrate.run succeeded, and migrate.needed still says yes";
      context.say(line);
      context.deviations.push_back(line);
    }
    return write_json(nlohmann::ordered_json{{"needed", needed}});
  }

  /// Empty: no command tells.
  static std::optional<bool> is_needed(RunContext& context) {
    const auto& needed = context.plan.migrate->needed;
    if (!needed) return std::nullopt;
    return context.ask(*needed, "the command migrate.needed");
  }
};

class Rebuild final : public Step {
 public:
  explicit Rebuild(const service::Rebuild& rebuild) : rebuild_(rebuild) {}
  StepId id() const override { return {StepKind::rebuild, rebuild_.name}; }
  std::string what(const Plan&) const override {
    return run_what(rebuild_.run, service::knows_of_copy(rebuild_));
  }

  std::string run(RunContext& context) override {
    const auto rebuild = [&] {
      run_on_copy(context, rebuild_.run, "the command of rebuild " + rebuild_.name);
    };
    service::knows_of_copy(rebuild_) ? rebuild() : with_stores_open(context, rebuild);
    return {};
  }

  void undo(RunContext& context) override { give_back_shared(context); }

 private:
  const service::Rebuild rebuild_;
};

}  // namespace

/// A command that knows of a copy changes that; any other one acts on the live service, `again`.
Steps make_migrate(const Plan& plan, bool again) {
  return one<Migrate>(plan.migrate && service::knows_of_copy(*plan.migrate) != again);
}

/// As the migration.
Steps make_rebuild(const Plan& plan, bool again) {
  Steps steps;
  for (const service::Rebuild& rebuild : plan.rebuilds) {
    if (service::knows_of_copy(rebuild) != again)
      steps.push_back(std::make_unique<Rebuild>(rebuild));
  }
  return steps;
}

}  // namespace salvor::recovery::internal
