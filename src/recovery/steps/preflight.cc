#include <fmt/format.h>

#include "base/error.h"
#include "recovery/internal/presence.h"
#include "recovery/internal/steps.h"
#include "recovery/space.h"

namespace salvor::recovery::internal {
namespace {

[[noreturn]] void throw_damaged(const RunContext& context, const StorePlan& store,
                                const std::string& how) {
  // In a restore in place this is a refusal. A drill has found what it was looking for.
  throw Error(
      context.plan.mode == service::Mode::drill ? ErrorCode::corruption : ErrorCode::refused,
      fmt::format("recovery point {} is damaged: store {}: {}", context.plan.point_text(),
                  store.name, how),
      "`salvor verify --data` says how far it reaches; choose another point with --at");
}

/// Walks the whole tree, and looks that every chunk is in a pack that exists.
void require_whole(RunContext& context, const StorePlan& store) {
  constexpr std::uint64_t kRecordsBetweenStops = 1024;
  const repo::Snapshot& snapshot = context.snapshot(store);
  repo::TreeCursor cursor(context.repository.node_reader(), snapshot.root);
  std::uint64_t records = 0;
  for (const repo::Record* record = cursor.find_record(); record != nullptr;
       record = cursor.find_record()) {
    for (const repo::Ref& ref : record->refs) {
      if (ref.is_hole() || context.repository.contains(ref.id)) continue;
      throw_damaged(
          context, store,
          fmt::format("a chunk of {} is in no pack", printable(stores::path_of_key(record->key))));
    }
    cursor.advance();
    if (++records % kRecordsBetweenStops == 0 && context.stop.stop_requested()) {
      throw Error(ErrorCode::cancelled, "the restore was stopped");
    }
  }
}

class Preflight final : public Step {
 public:
  StepId id() const override { return StepKind::preflight; }
  bool is_guard() const override { return true; }
  std::string what(const Plan&) const override {
    return "check that the point is complete, and that there is room";
  }

  std::string before(RunContext& context) override {
    return context.plan.mode == service::Mode::restore ? describe_stores(context) : std::string();
  }

  std::string run(RunContext& context) override {
    std::vector<SpaceWanted> wanted;
    for (const StorePlan& store : context.plan.stores) {
      try {
        require_whole(context, store);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::corruption) throw;
        throw_damaged(context, store, error.message());
      }
      if (store.delta_in_place) continue;
      if (context.plan.mode == service::Mode::restore)
        context.replacement_of(store).require_movable();
      const std::filesystem::path place = context.plan.mode == service::Mode::drill
                                              ? std::filesystem::path(context.plan.staging)
                                              : context.live_of(store).location().path;
      if (!place.empty()) wanted.push_back({place, context.snapshot(store).content_bytes});
    }
    require_space(look_for_space(wanted),
                  context.plan.mode == service::Mode::drill
                      ? "make room, or set another staging directory"
                      : "make room; or restore over what is there with --in-place-delta");
    return {};
  }
};

}  // namespace

Steps make_preflight(const Plan&, bool) {
  return one<Preflight>();
}

}  // namespace salvor::recovery::internal
