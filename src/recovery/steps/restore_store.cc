#include "base/error.h"
#include "base/json.h"
#include "recovery/internal/steps.h"
#include "recovery/restore.h"

namespace salvor::recovery::internal {
namespace {

class RestoreStore final : public Step {
 public:
  explicit RestoreStore(const StorePlan& store) : store_(store) {}

  StepId id() const override { return {StepKind::restore_store, store_.name}; }
  /// What is written over comes back from a safety snapshot, or not at all.
  bool can_be_undone() const override { return !store_.delta_in_place || store_.safety_snapshot; }
  std::string what(const Plan& plan) const override {
    if (plan.mode == service::Mode::drill) return "restore the store into staging";
    return store_.delta_in_place ? "write what differs over " + store_.path
                                 : "restore the store beside " + store_.path;
  }

  std::string run(RunContext& context) override {
    const auto sink = sink_of(context);
    return restore_snapshot(context, context.snapshot(store_), *sink,
                            context.plan.mode == service::Mode::restore);
  }

  /// A copy is removed with its workplace.
  void undo(RunContext& context) override {
    if (!store_.delta_in_place) return;
    const repo::Snapshot& safety = safety_snapshot(context);
    restore_snapshot(context, safety, *sink_over(context), true);
  }

 private:
  std::unique_ptr<stores::Sink> sink_of(RunContext& context) {
    if (context.plan.mode == service::Mode::drill) {
      const auto directory = std::filesystem::path(context.plan.staging) / store_.name;
      return context.access.sink(store_, directory);
    }
    if (store_.delta_in_place) return sink_over(context);
    return context.replacement_of(store_).sink(context.plan.compare_content
                                                   ? stores::Recognise::by_content
                                                   : stores::Recognise::by_status);
  }

  std::unique_ptr<stores::Sink> sink_over(RunContext& context) {
    stores::OverWriting* const over = context.live_of(store_).over();
    if (over != nullptr) return over->sink_over();
    throw Error(ErrorCode::configuration,
                "store " + store_.name + " can't be written over in place",
                "restore without --in-place-delta");
  }

  std::string restore_snapshot(RunContext& context, const repo::Snapshot& snapshot,
                               stores::Sink& sink, bool delta) {
    RestoreOptions options;
    options.delta = delta;
    options.progress = context.progress;
    options.stop = context.stop;
    const RestoreResult result = restore(context.repository, snapshot, sink, options);
    for (const std::string& warning : result.sink.warnings) {
      context.say("store " + store_.name + ": " + warning);
      context.deviations.push_back("store " + store_.name + ": " + warning);
    }
    if (result.sink.moved_aside > 0) {
      context.say("store " + store_.name + ": " + std::to_string(result.sink.moved_aside) +
                  " things that do not belong there are now in " + result.sink.moved_aside_to);
    }
    require_complete({{store_.name, result.sink.not_made}});
    return write_json(nlohmann::ordered_json{{"entries", result.entries},
                                             {"bytes", result.bytes},
                                             {"bytes_written", result.bytes_written},
                                             {"reused", result.sink.reused}});
  }

  const repo::Snapshot& safety_snapshot(RunContext& context) {
    const auto& points = context.repository.points();
    for (auto point = points.rbegin(); point != points.rend(); ++point) {
      const auto run = point->facts.find("run");
      if (run == point->facts.end() || run->second != context.plan.run) continue;
      if (const repo::Snapshot* found = point->find(store_.name)) return *found;
    }
    throw Error(ErrorCode::refused,
                "store " + store_.name +
                    " was written over in place, and there is no safety snapshot of it: the "
                    "restore can't be undone",
                "resume the restore: salvor restore --resume " + context.plan.run);
  }

  const StorePlan store_;
};

}  // namespace

Steps make_restore_store(const Plan& plan, bool) {
  Steps steps;
  for (const StorePlan& store : plan.stores) steps.push_back(std::make_unique<RestoreStore>(store));
  return steps;
}

}  // namespace salvor::recovery::internal
