#include "base/json.h"
#include "recovery/internal/steps.h"
#include "recovery/internal/writes.h"

namespace salvor::recovery::internal {
namespace {

using Json = nlohmann::ordered_json;

class LockWrites final : public Step {
 public:
  StepId id() const override { return StepKind::lock_writes; }
  bool is_guard() const override { return true; }

  std::string what(const Plan& plan) const override {
    if (plan.writes) {
      return "run `" + plan.writes->lock.run +
             "` (left out with --without-lock), and lock the stores that can be locked";
    }
    return plan.without_lock ? "lock the stores that can be locked (--without-lock)"
                             : "lock the stores that can be locked (the service has no command "
                               "that locks writes)";
  }

  /// An application that was locked before the run stays locked after an undo.
  std::string before(RunContext& context) override {
    const auto locked = application_is_locked(context);
    return write_json(Json{{"was_locked", locked.value_or(false)}});
  }

  void take_up(RunContext& context) override {
    // Once writes were unlocked, the undo of that step locks them again.
    if (context.journal.began(StepKind::return_to_service)) return;
    note_gap(context);
    lock_application(context);
    // What is live after the cut-over is the restored copy, which nobody has written yet.
    if (!context.journal.done(StepKind::cut_over)) lock_stores(context);
  }

  std::string run(RunContext& context) override {
    note_without_lock(context);
    lock_application(context);
    context.journal.reach("lock-writes:application");
    lock_stores(context);
    // The command may need a store that is locked now. Find that out before the exchange.
    require_still_locked(context);
    require_no_writers(context);
    for (const StorePlan& store : context.plan.stores) {
      if (!store.delta_in_place) {
        context.replacement_of(store).try_cut_over(context.plan.holders_wait_ms);
      } else if (stores::OverWriting* const over = context.live_of(store).over()) {
        over->try_write_over();
      }
    }
    return {};
  }

  void undo(RunContext& context) override {
    unlock_stores(context);
    if (!was_locked(context)) unlock_application(context);
  }

 private:
  static void note_without_lock(RunContext& context) {
    if (!context.plan.without_lock) return;
    const std::string line = "writes.lock was not run, as --without-lock asked for";
    context.say(line);
    context.deviations.push_back(line);
  }

  /// Notes that no safety snapshot has what was written while writes were unlocked.
  static void note_gap(RunContext& context) {
    const bool matters = !context.undoing && !context.journal.done(StepKind::cut_over);
    if (!matters || application_is_locked(context).value_or(true)) return;
    const std::string line =
        "writes were unlocked after the run was interrupted: only the old data has what was "
        "written since";
    context.say(line);
    context.deviations.push_back(line);
  }

  static bool was_locked(RunContext& context) {
    const Json json = try_parse_json<Json>(context.journal.data_before(StepKind::lock_writes));
    return json.is_object() && json.value("was_locked", false);
  }
};

}  // namespace

/// Stores are locked also where the application has no command for it.
Steps make_lock_writes(const Plan&, bool) {
  return one<LockWrites>();
}

}  // namespace salvor::recovery::internal
