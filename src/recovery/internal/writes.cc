#include "recovery/internal/writes.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/error.h"

namespace salvor::recovery::internal {
namespace {

constexpr std::int64_t kPollMs = 100;

/// The processes that have a store open for writing, a line each.
std::vector<std::string> writers_of(stores::Target& target) {
  std::vector<std::string> lines;
  for (const stores::Holder& holder : target.identify(0).holders) {
    if (!holder.writes) continue;
    lines.push_back(fmt::format("process {} ({}) has {} open for writing", holder.pid,
                                printable(holder.command), printable(holder.path)));
  }
  return lines;
}

std::vector<std::string> all_writers(RunContext& context) {
  std::vector<std::string> lines;
  for (const StorePlan& store : context.plan.stores) {
    stores::Target& target = context.live_of(store);
    if (target.locking() != nullptr) continue;
    for (std::string& line : writers_of(target)) lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

std::optional<bool> application_is_locked(RunContext& context) {
  const auto& writes = context.plan.writes;
  if (!writes || !writes->locked) return std::nullopt;
  return context.ask(*writes->locked, "the command writes.locked");
}

void lock_application(RunContext& context) {
  const auto& writes = context.plan.writes;
  if (!writes) return;
  const std::string what = "the command writes.lock";
  service::require_success(
      context.hook(writes->lock, what), what,
      context.undoing || context.journal.done(StepKind::lock_writes)
          ? "run the command by hand to see why it fails; where the configuration has "
            "a corrected one, resume with it: salvor restore --resume " +
                context.plan.run + " --current-commands"
          : "run the command by hand to see why it fails; where the application is "
            "gone, and can't be locked, restore with --without-lock");
  if (application_is_locked(context).value_or(true)) return;
  throw Error(ErrorCode::refused,
              "writes.lock succeeded, but writes.locked says that writes are not locked",
              "correct the commands of [service." + context.plan.service + ".writes]");
}

void require_still_locked(RunContext& context) {
  if (application_is_locked(context).value_or(true)) return;
  throw Error(ErrorCode::refused,
              "writes.locked says that writes are not locked any more: somebody has unlocked them, "
              "or the command can't tell while the stores are locked",
              "find out why; undo the run and begin again, so that a safety snapshot has what was "
              "written since: salvor restore --undo " +
                  context.plan.run + " --confirm " + printable(context.plan.service) +
                  "; or resume it without that: salvor restore --resume " + context.plan.run);
}

void unlock_application(RunContext& context) {
  const auto& writes = context.plan.writes;
  if (!writes) return;
  const std::string what = "the command writes.unlock";
  service::require_success(
      context.hook(writes->unlock, what), what,
      "run the command by hand to see why it fails; where the configuration has a corrected one: "
      "salvor restore --" +
          std::string(context.undoing ? "undo" : "resume") + " " + context.plan.run +
          (context.undoing ? " --confirm " + printable(context.plan.service) : "") +
          " --current-commands");
  if (!application_is_locked(context).value_or(false)) return;
  throw Error(ErrorCode::failed,
              "writes.unlock succeeded, but writes.locked says that writes are still locked",
              "correct the commands of [service." + context.plan.service + ".writes]");
}

void lock_stores(RunContext& context) {
  for (const StorePlan& store : context.plan.stores) {
    stores::Target& target = context.live_of(store);
    auto& lock = context.locks[store.name];
    stores::WriteLocking* const locking = target.locking();
    if (lock || locking == nullptr) continue;
    lock = locking->lock_writes(context.plan.holders_wait_ms);
    if (!lock || locking->refuses_writes().value_or(true)) continue;
    throw Error(ErrorCode::refused,
                fmt::format("store {} is locked, but a write to {} was accepted", store.name,
                            printable(store.path)),
                "stop the service first: the file system may have no working locks");
  }
}

void unlock_stores(RunContext& context) {
  context.locks.clear();
}

void with_stores_open(RunContext& context, const std::function<void()>& act) {
  // A run that was resumed after the cut-over has not locked them again.
  const bool were_locked =
      std::ranges::any_of(context.locks, [](const auto& lock) { return lock.second != nullptr; });
  unlock_stores(context);
  act();
  if (were_locked) lock_stores(context);
}

void require_no_writers(RunContext& context) {
  for (std::int64_t waited_ms = 0;; waited_ms += kPollMs) {
    const std::vector<std::string> writers = all_writers(context);
    if (writers.empty()) return;
    if (context.stop.stop_requested()) throw Error(ErrorCode::cancelled, "the restore was stopped");
    if (waited_ms >= context.plan.holders_wait_ms) {
      std::string message = "a target is open for writing, though writes are locked";
      for (const std::string& line : writers) message += "\n  " + line;
      throw Error(ErrorCode::refused, message,
                  "stop these processes, or make writes.lock stop them, and begin again");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
}

}  // namespace salvor::recovery::internal
