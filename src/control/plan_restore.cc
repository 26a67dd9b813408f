#include "control/plan_restore.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/counted.h"
#include "config/silent_paths.h"
#include "control/caller.h"
#include "control/drill.h"
#include "control/internal/choose_point.h"
#include "control/internal/drill_history.h"
#include "control/internal/judge_status.h"
#include "control/internal/make_plan.h"
#include "control/internal/opened.h"
#include "control/internal/restore_words.h"
#include "control/internal/surroundings.h"
#include "recovery/claim.h"
#include "recovery/execute.h"

namespace salvor::control {
namespace {

using recovery::Plan;

/// The longest time for counting a target, since the plan must answer at once.
constexpr std::int64_t kCountMsMax = 200;

std::vector<PlannedTarget> look_at_targets(const Plan& plan, const repo::Point& point,
                                           recovery::StoreAccess& access) {
  std::vector<PlannedTarget> targets;
  for (const recovery::StorePlan& store : plan.stores) {
    const repo::Snapshot& snapshot = internal::find_snapshot(point, store.name);
    targets.push_back({store.name, store.type, access.live(store)->identify(kCountMsMax),
                       snapshot.content_bytes, snapshot.entries});
  }
  return targets;
}

std::vector<recovery::FileSystemSpace> look_at_space(const RestorePlanReport& report,
                                                     recovery::StoreAccess& access) {
  std::vector<recovery::SpaceWanted> wanted;
  for (const recovery::StorePlan& store : report.plan.stores) {
    if (store.delta_in_place) continue;
    const std::filesystem::path place = access.live(store)->location().path;
    if (place.empty()) continue;
    wanted.push_back({place, internal::find_snapshot(report.point, store.name).content_bytes});
  }
  return recovery::look_for_space(wanted);
}

/// Whether an undo gets the store back: one that is written over needs its safety snapshot.
bool comes_back(const recovery::StorePlan& store) {
  return !store.delta_in_place || store.safety_snapshot;
}

void plan_steps(internal::Logbook& logbook, RestorePlanReport& report) {
  double sum = 0;
  bool known = false;
  for (recovery::PlanStep& step : recovery::steps_of(report.plan)) {
    PlannedStep& planned = report.steps.emplace_back();
    planned.name = name_of(step.id);
    planned.what = std::move(step.what);
    planned.can_be_undone = step.can_be_undone;
    if (logbook.catalog() == nullptr) continue;
    planned.expected_s = logbook.catalog()->step_seconds(report.plan.service,
                                                         catalog::RunKind::restore, planned.name);
    // Drills do not prove how long such a step takes, either.
    if (is_afterwards(step.id)) continue;
    known = known || planned.expected_s;
    report.expected_is_least = report.expected_is_least || !planned.expected_s;
    sum += planned.expected_s.value_or(0);
  }
  if (known) report.expected_s = sum;
}

void warn_of_space(RestorePlanReport& report) {
  for (const recovery::FileSystemSpace& space : report.space) {
    if (space.suffices()) continue;
    report.warnings.push_back(
        fmt::format("too little space at {}: found {} free, expected {} for a second copy; "
                    "--in-place-delta makes no second copy",
                    space.path, human_bytes(space.free), human_bytes(space.wanted)));
  }
}

void warn_of_targets(RestorePlanReport& report) {
  for (const PlannedTarget& target : report.targets) {
    if (!target.identity.exists) {
      report.warnings.push_back(fmt::format("store {}: {} does not exist, so nothing of it is kept",
                                            target.store, target.identity.path));
    }
  }
  if (report.plan.without_lock) {
    report.warnings.emplace_back(
        "writes.lock will not be run (--without-lock): nothing tells the application to stop "
        "writing");
  } else if (!report.plan.writes) {
    report.warnings.push_back(
        "the service has no [writes]: nothing tells the application to stop writing");
  }
  for (const recovery::StorePlan& store : report.plan.stores) {
    if (store.safety_snapshot) continue;
    report.warnings.push_back(fmt::format("no safety snapshot will be taken of {}", store.name));
  }
  if (report.plan.checks.empty() && report.plan.references.empty()) {
    report.warnings.push_back("the service has no checks: only the stores check themselves");
  }
}

/// Warns of a failed drill: it says more about the point than anything else in the plan.
void warn_of_drill(RestorePlanReport& report) {
  if (!report.last_drill || !report.last_drill->has_failed()) return;
  const DrillSummary& drill = *report.last_drill;
  const bool of_point = drill.point == report.point.id;
  std::string text =
      of_point ? "the last drill of this recovery point "
               : "no drill has tried this recovery point, and the last drill of the service ";
  text += drill.state == catalog::RunState::failed ? "" : "was ";
  text += name_of(drill.state);
  if (!drill.failed_checks.empty()) {
    text += ", in ";
    for (const std::string& check : drill.failed_checks) {
      text += (check == drill.failed_checks.front() ? "" : ", ") + printable(check);
    }
  }
  report.warnings.push_back(text + ": see what it found: salvor runs show " + drill.run);
}

/// How many entries of a snapshot belong to other users than the present one, as far as the time
/// for a plan allows to count.
std::uint64_t count_of_others(repo::Repository& repository, const repo::Snapshot& snapshot) {
  const Time limit{Clock::system().monotonic().ns + kCountMsMax * 1'000'000};
  const uid_t user = ::geteuid();
  std::uint64_t count = 0;
  repo::TreeCursor cursor(repository.node_reader(), snapshot.root);
  for (const repo::Record* record = cursor.find_record();
       record != nullptr && Clock::system().monotonic() < limit; record = cursor.find_record()) {
    if (record->offset == 0 && stores::decode_entry(record->meta).uid != user) ++count;
    cursor.advance();
  }
  return count;
}

/// An ordinary user can't give files away.
void warn_of_owners(repo::Repository& repository, RestorePlanReport& report) {
  if (::geteuid() == 0) return;
  for (const recovery::StorePlan& store : report.plan.stores) {
    const std::uint64_t count =
        count_of_others(repository, internal::find_snapshot(report.point, store.name));
    if (count == 0) continue;
    report.warnings.push_back(
        fmt::format("store {}: at least {} {} to other users in the point, and will belong to user "
                    "{}: run the restore as root to keep their owners",
                    store.name, counted(count, "entry", "entries"),
                    count == 1 ? "belongs" : "belong", ::geteuid()));
  }
}

/// The guard that would stop the restore before anything is touched.
std::optional<Error> refusal_of(const Plan& plan, recovery::StoreAccess& access) {
  for (const recovery::StorePlan& store : plan.stores) {
    if (store.delta_in_place) continue;
    try {
      access.live(store)->replacement("plan", store.name)->require_movable();
    } catch (const Error& error) {
      return error.with_context("store " + store.name);
    }
  }
  return std::nullopt;
}

/// A restore would refuse for it, too: another run has the service. One that can't be read any more
/// is passed over.
void look_at_open_restore(repo::Repository& repository, internal::Logbook& logbook,
                          RestorePlanReport& report) {
  const std::string& service = report.plan.service;
  const auto open = recovery::open_restore(repository, service, {}, logbook.catalog());
  if (!open) return;
  report.open_restore = open->run.empty() ? "unknown" : open->run;
  if (open->run.empty()) {
    report.open_note = "a restore may be open whose records can't be read: " + open->rot;
    return;
  }
  report.open_note = internal::open_restore_text(open->run, service, open->is_running);
  if (!open->rot.empty()) return;
  report.refusal.emplace(
      ErrorCode::conflict,
      fmt::format("service {} is being restored by run {}", printable(service), open->run),
      recovery::ways_on_with(open->run, service, open->is_running));
}

/// A repository that can't be written to has neither safety snapshots nor claims.
void look_at_repository(const internal::Opened& opened, internal::Logbook& logbook,
                        RestorePlanReport& report) {
  const auto why = internal::why_no_commit(opened, logbook);
  if (!why) return;
  if (why->unwritable()) {
    report.warnings.push_back(
        why->message() +
        ": other hosts can't be kept out of the service, as no claim can be written; the journal "
        "of the run stays in this machine's catalog");
  }
  const bool refused = recovery::wants_safety_snapshot(report.plan);
  if (refused && !report.refusal) report.refusal = recovery::no_safety_snapshot(report.plan, *why);
}

std::string undo_of(const Plan& plan) {
  const bool delta = std::any_of(plan.stores.begin(), plan.stores.end(),
                                 [](const auto& store) { return store.delta_in_place; });
  if (!delta) {
    return fmt::format(
        "everything, by salvor restore --undo RUN --confirm {0}, until salvor restore --close RUN "
        "--confirm {0} removes the old data; RUN is what the restore prints",
        printable(plan.service));
  }
  std::string lost;
  for (const recovery::StorePlan& store : plan.stores) {
    if (!comes_back(store)) lost += (lost.empty() ? "" : ", ") + store.name;
  }
  if (!lost.empty()) {
    return fmt::format(
        "nothing, once {} is being written over in place: there is no second copy "
        "and no safety snapshot",
        lost);
  }
  return "everything, by restoring the safety snapshot: this takes as long as a restore of what "
         "differs, and needs the repository";
}

}  // namespace

RestorePlanReport plan_restore(const config::Config& config, const PlanRequest& request,
                               const Caller& caller) {
  config::check_paths(config);
  const service::Service& service = config.service(request.service);
  config::check_overlaps(config, service);
  config::require_live_answers(config, service, request.stores);
  internal::Logbook logbook(config);
  const auto [opened, owner, point] =
      internal::open_point(config, logbook, service.name, request.at, request.stores, caller,
                           internal::options_of(request) + " --plan");
  RestorePlanReport report;
  report.point = point;
  report.plan = internal::make_plan(config, service, report.point, service::Mode::restore, request);
  const Time now = Clock::system().now();
  report.lost_s = internal::age_s(report.point, now);
  report.warnings = internal::notes_on(*opened.repository, owner, report.point, now);
  for (std::string& line : internal::lacks_of(&service, report.point)) {
    report.warnings.push_back(line + ": the live copies of these stay");
  }
  recovery::StoreAccess access(internal::surroundings_of_restore(config));
  report.targets = look_at_targets(report.plan, report.point, access);
  report.space = look_at_space(report, access);
  plan_steps(logbook, report);
  for (const service::Store& store : service.stores) {
    if (report.plan.find(store.name) == nullptr) report.untouched.push_back(store.name);
  }
  look_at_open_restore(*opened.repository, logbook, report);
  report.last_drill = internal::newest_drill(logbook, *opened.repository, report.point);
  warn_of_drill(report);
  warn_of_space(report);
  warn_of_targets(report);
  warn_of_owners(*opened.repository, report);
  if (!report.refusal) report.refusal = refusal_of(report.plan, access);
  look_at_repository(opened, logbook, report);
  report.undo = undo_of(report.plan);
  return report;
}

}  // namespace salvor::control
