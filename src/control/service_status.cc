#include "control/service_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/json.h"
#include "base/log.h"
#include "config/silent_paths.h"
#include "control/caller.h"
#include "control/drill.h"
#include "control/internal/choose_point.h"
#include "control/internal/drill_history.h"
#include "control/internal/file_count.h"
#include "control/internal/held_writes.h"
#include "control/internal/judge_status.h"
#include "control/internal/leave_evidence.h"
#include "control/internal/opened.h"
#include "control/internal/restores.h"
#include "control/internal/uncovered.h"
#include "control/internal/workplaces.h"
#include "recovery/execute.h"

namespace salvor::control {
namespace {

void describe_newest(const repo::Repository& repository, const internal::Owner& owner,
                     const service::Service& config, ServiceStatus& status) {
  const Time now = Clock::system().now();
  const repo::Point* newest = internal::newest_point(repository, owner);
  status.suspect_note = internal::note_on_suspects(repository, owner, newest);
  if (newest != nullptr) status.newest = *newest;
  for (const service::Store& store : config.stores) {
    if (!status.newest || status.newest->find(store.name) == nullptr) {
      status.stores_without_point.push_back(store.name);
    }
  }
  for (const repo::Point& point : repository.points()) {
    const bool foreign = point.service == config.name && !owner.has(point);
    if (foreign && !point.is_safety_snapshot()) status.other_host = point.host();
    if (!owner.has(point)) continue;
    std::string note = internal::note_on_time(point, now);
    if (!note.empty()) status.clock_note = std::move(note);
  }
  if (!status.newest) return;
  status.lacks = internal::lacks_of(nullptr, *status.newest);
  status.rpo_met = !config.rpo_s;
  if (!status.newest->is_whole()) return;
  status.achieved_rpo_s = internal::age_s(*status.newest, now);
  // The age of a point from the future is not known.
  const double ahead_s = status.newest->time.seconds_since(now);
  status.rpo_met = !config.rpo_s ||
                   std::max(*status.achieved_rpo_s, ahead_s) <= static_cast<double>(*config.rpo_s);
}

/// A partial point counts for no objective, so it does not make up for a failed backup.
std::optional<catalog::RunRow> failed_backup_of(internal::Logbook& logbook, const std::string& id,
                                                const std::string& service) {
  const auto rows = logbook.catalog()->runs(
      {.service = service, .kind = catalog::RunKind::backup, .repository = id});
  for (const catalog::RunRow& row : rows) {
    if (row.state == catalog::RunState::failed) return row;
    const auto report = try_parse_json(row.summary_json);
    const bool is_partial =
        report.is_object() && report.value("state", nlohmann::json()) == "partial";
    if (!is_partial) return std::nullopt;
  }
  return std::nullopt;
}

/// `id`: of the repository, by which the catalog files what it knows.
void describe_runs(internal::Logbook& logbook, const std::string& id, ServiceStatus& status) {
  if (logbook.catalog() == nullptr) return;
  const auto newest = [&](catalog::RunKind kind, std::optional<catalog::RunState> state) {
    const auto rows = logbook.catalog()->runs(
        {.service = status.service, .kind = kind, .state = state, .limit = 1, .repository = id});
    return rows.empty() ? std::nullopt : std::optional(rows.front());
  };
  status.last_backup = newest(catalog::RunKind::backup, std::nullopt);
  status.failed_backup = failed_backup_of(logbook, id, status.service);
  status.last_restore = newest(catalog::RunKind::restore, catalog::RunState::succeeded);
  status.restored_in_place = !internal::restores_in_place(logbook, status.service, id).empty();
}

void describe_drills(internal::Logbook& logbook, const std::string& id,
                     repo::Repository* repository, const service::Service& config,
                     ServiceStatus& status) {
  internal::DrillHistory history =
      internal::read_drill_history(logbook, id, repository, status.service);
  const Time now = Clock::system().now();
  status.drill_limit_s = internal::drill_limit_s(config, now);
  status.never_drilled = !history.last;
  if (history.last_success) {
    status.drill_stale =
        std::abs(now.seconds_since(history.last_success->time)) > status.drill_limit_s;
  }
  status.last_drill = std::move(history.last);
  const repo::Point* const point = status.newest ? &*status.newest : nullptr;
  const auto verdict = internal::newest_verdict(logbook, id, repository, status.service, point);
  if (status.last_drill && status.last_drill->has_failed()) {
    status.failed_drill = status.last_drill;
  } else if (verdict && verdict->has_failed()) {
    status.failed_drill = verdict;
  }
  if (verdict && !verdict->has_failed()) {
    status.proven_rto_s = verdict->seconds;
    status.rto_met = !config.rto_s || *status.proven_rto_s <= static_cast<double>(*config.rto_s);
  }
  if (history.damaged != 0) {
    status.evidence_note = fmt::format(
        "{} of the newest evidence records can't be read, and a drill may be among them: salvor "
        "verify --repair",
        history.damaged);
  }
  if (history.lost != 0) {
    status.not_covered.push_back(
        fmt::format("{} of the newest evidence records {} lost: what they said proves nothing",
                    history.lost, history.lost == 1 ? "is" : "are"));
  }
}

/// Empty where it can't be read.
std::optional<recovery::RunOutcome> run_of(internal::Logbook& logbook, repo::Repository* repository,
                                           const std::string& run) {
  try {
    if (repository != nullptr) return recovery::find_run(*repository, run, logbook.catalog());
  } catch (const Error& error) {
    log::warning("the journal of run {} can't be read: {}", run, error.message());
  }
  return std::nullopt;
}

/// What an abandoned restore has left, as the run recorded it.
void describe_abandoned(const recovery::RunOutcome& run, ServiceStatus& status) {
  for (const std::string& left : run.left) {
    status.kept_notes.push_back(
        fmt::format("left by abandoned restore {}: {}", run.plan.run, left));
  }
}

/// One note for all data that restores keep until they are closed.
class KeptData {
 public:
  void add(const internal::Workplace& workplace) {
    std::string& places = runs_[workplace.run];
    places += (places.empty() ? "" : ", ") + printable(workplace.path.native());
    data_.add_data_of(workplace.path);
  }

  void describe(ServiceStatus& status) const {
    if (runs_.empty()) return;
    const auto& [newest, places] = *runs_.rbegin();
    const std::string removes = fmt::format("salvor restore --close {} --confirm {} removes",
                                            newest, printable(status.service));
    status.kept_notes.push_back(
        runs_.size() == 1
            ? fmt::format("kept until restore {} is closed: {} in {}; {} it", newest, data_.text(),
                          places, removes)
            : fmt::format("kept until {} restores are closed: {}; the newest are {}; {} what the "
                          "first of them keeps",
                          runs_.size(), data_.text(), named(), removes));
  }

 private:
  /// The newest first.
  std::string named() const {
    constexpr std::size_t kNamedMax = 3;
    std::string text;
    std::size_t count = 0;
    for (auto run = runs_.rbegin(); run != runs_.rend() && count < kNamedMax; ++run, ++count) {
      text += (count == 0 ? "" : ", ") + run->first;
    }
    return text;
  }

  static constexpr std::int64_t kLook_ms = 300;

  std::map<std::string, std::string> runs_;  ///< ids, which sort by time; the workplaces of each
  internal::FileCount data_{internal::FileCount::kAnyTime, kLook_ms};
};

void describe_restores(internal::Logbook& logbook, repo::Repository* repository,
                       const config::Config& config, const service::Service& service,
                       ServiceStatus& status) {
  try {
    std::optional<recovery::OpenRestore> open;
    if (repository != nullptr) {
      open = recovery::open_restore(*repository, service.name, {}, logbook.catalog());
    }
    if (open) status.open_restore = open->run.empty() ? "unknown" : open->run;
    status.restore_is_running = open && open->is_running;
    if (open && !open->rot.empty()) {
      log::warning(
          "restore {} of {} can't be read as a whole: {}; salvor restore --abandon {} --confirm {} "
          "ends it",
          *status.open_restore, service.name, open->rot, *status.open_restore, service.name);
    }
  } catch (const Error& error) {
    log::warning("cannot tell whether a restore of {} is open: {}", service.name, error.message());
  }
  std::map<std::string, bool> abandoned;
  KeptData kept;
  for (const internal::Workplace& workplace : internal::find_workplaces(config, service)) {
    if (workplace.run == status.open_restore) continue;
    status.kept.push_back(workplace.path.native());
    // All workplaces of a run have the same journal.
    const auto [known, is_new] = abandoned.try_emplace(workplace.run);
    if (is_new) {
      const auto run = run_of(logbook, repository, workplace.run);
      known->second = run && run->state == catalog::RunState::abandoned;
      if (known->second) describe_abandoned(*run, status);
    }
    if (!known->second) kept.add(workplace);
  }
  kept.describe(status);
}

/// Names the paths that do not answer. Nothing else can be said of them.
void describe_silence(const config::Config& config, const service::Service& service,
                      ServiceStatus& status) {
  for (const service::Store& store : service.stores) {
    try {
      config::require_stores_answer(config, service, {store.name});
    } catch (const Error& error) {
      status.silent.push_back(error.message());
    }
  }
  for (const config::SilentPath& each : config.silent) {
    const bool is_store = each.role == config::SilentPath::Role::store;
    if (is_store || each.service != service.name) continue;
    status.not_covered.push_back(fmt::format("{} is not looked at: {} does not answer", each.what,
                                             printable(each.path.native())));
  }
}

void describe_gaps(const service::Service& config, ServiceStatus& status) {
  std::vector<std::string>& gaps = status.not_covered;
  for (const std::string& store : status.stores_without_point) {
    gaps.push_back(fmt::format("store {} is not in the newest recovery point", store));
  }
  gaps.insert(gaps.end(), status.lacks.begin(), status.lacks.end());
  if (status.newest) {
    for (std::string& line : internal::lacks_of(&config, *status.newest)) {
      if (std::find(gaps.begin(), gaps.end(), line) == gaps.end()) gaps.push_back(std::move(line));
    }
  }
  for (const UncoveredPath& path : status.uncovered) {
    gaps.push_back(internal::describe(path));
  }
  if (config.checks.empty() && config.references.empty()) {
    gaps.emplace_back("the service has no checks of its own: drills only ask the stores");
  }
  if (!status.restored_in_place) {
    gaps.emplace_back(
        "no restore in place has succeeded and stayed on this host: drills leave out its lock, its "
        "exchange and its return to service");
  }
  if (!status.last_drill) {
    gaps.push_back(internal::never_drilled_text(status.service));
    return;
  }
  for (const service::Store& store : config.stores) {
    const recovery::StepId step(recovery::StepKind::restore_store, store.name);
    const auto& phases = status.last_drill->phases;
    const bool drilled =
        std::ranges::find(phases, step, &recovery::StepOutcome::id) != phases.end();
    if (!drilled && !phases.empty()) {
      gaps.push_back(fmt::format("store {} was not in the last drill", store.name));
    }
  }
  for (const std::string& line : status.last_drill->not_covered) {
    if (std::find(gaps.begin(), gaps.end(), line) == gaps.end()) gaps.push_back(line);
  }
}

std::size_t count_waiting(const std::vector<catalog::WaitingEvidence>& waiting,
                          const std::string& service) {
  return static_cast<std::size_t>(
      std::ranges::count(waiting, service, &catalog::WaitingEvidence::service));
}

/// Warns of waiting evidence of the repository itself, that is of verifications.
void warn_of_waiting(const std::vector<catalog::WaitingEvidence>& waiting, StatusReport& report) {
  const std::size_t count = count_waiting(waiting, "");
  if (count > 0) report.warnings.push_back(internal::waiting_text(count, "the repository itself"));
}

/// Without the repository no service can be judged, but uncovered paths can still be listed.
internal::Opened open(const config::Config& config, const Caller& caller,
                      internal::Logbook& logbook, StatusReport& report) {
  try {
    internal::Opened opened = internal::open_repository(config, repo::Access::read, caller.stop);
    internal::compare_head(*opened.repository, logbook, internal::ShorterLog::warn);
    return opened;
  } catch (const Error& error) {
    report.repository_failure = error;
    return {};
  }
}

}  // namespace

double ServiceStatus::urgency() const {
  constexpr double kOpenRestore = 1e13;
  constexpr double kWritesHeld = 5e12;
  constexpr double kNeverBackedUp = 1e12;
  constexpr double kSilent = 1e9;
  constexpr double kOlderCopy = 1e8;
  constexpr double kSuspect = 1e7;
  constexpr double kTooOld = 1e6;
  constexpr double kDrillFailed = 1e5;
  constexpr double kTooSlow = 1e4;
  constexpr double kIncomplete = 0.5;
  constexpr double kUncovered = 0.25;
  constexpr double kUnproven = 0.25;
  double urgency = open_restore ? kOpenRestore : 0;
  if (held_by) urgency += kWritesHeld;
  if (!silent.empty()) urgency += kSilent;
  if (!newest) return urgency + kNeverBackedUp;
  if (!older_note.empty()) urgency += kOlderCopy;
  if (!suspect_note.empty()) urgency += kSuspect;
  if (rpo_s && achieved_rpo_s) urgency += *achieved_rpo_s / static_cast<double>(*rpo_s);
  if (!rpo_met) urgency += kTooOld;
  if (failed_drill) urgency += kDrillFailed;
  if (proven_rto_s && !rto_met) urgency += kTooSlow;
  if (!stores_without_point.empty()) urgency += kIncomplete;
  if (!uncovered.empty()) urgency += kUncovered;
  if (drill_stale) urgency += kUnproven;
  return urgency;
}

StatusReport status(const config::Config& config, const std::string& service,
                    const Caller& caller) {
  if (!service.empty()) config.service(service);
  StatusReport report;
  report.warnings = config::idle_sections(config, service);
  internal::Logbook logbook(config);
  const internal::Opened opened = open(config, caller, logbook, report);
  repo::Repository* repository = opened.repository.get();
  const std::string id =
      repository != nullptr ? repository->id().hex() : logbook.known_repository();
  const auto waiting = internal::waiting_evidence(id, logbook);
  warn_of_waiting(waiting, report);
  for (const service::Service& each : config.services) {
    if (!service.empty() && each.name != service) continue;
    ServiceStatus& status = report.services.emplace_back();
    status.service = each.name;
    status.evidence_waiting = count_waiting(waiting, each.name);
    status.rpo_s = each.rpo_s;
    status.rto_s = each.rto_s;
    // Where there is no repository there are no points.
    const auto& failure = report.repository_failure;
    const bool is_new = failure && failure->code() == ErrorCode::not_found;
    status.points_known = !failure || (is_new && logbook.known_repository().empty());
    const internal::Owner owner = internal::owner_of(config, each.name);
    if (!each.shared) status.host = config.host;
    if (repository != nullptr) {
      describe_newest(*repository, owner, each, status);
      status.older_note = internal::note_on_older_copy(*repository, logbook);
      if (!status.older_note.empty()) {
        status.older_note +=
            ", so that no backup is taken: put the newer one in its place again; where it is "
            "lost: " +
            internal::command_to_accept(*repository);
      }
    }
    describe_runs(logbook, id, status);
    describe_drills(logbook, id, repository, each, status);
    describe_restores(logbook, repository, config, each, status);
    describe_silence(config, each, status);
    status.uncovered = internal::find_uncovered(config, each);
    status.held_by = internal::left_held(config, each, repository, logbook.catalog());
    describe_gaps(each, status);
    internal::judge(status);
  }
  std::stable_sort(
      report.services.begin(), report.services.end(),
      [](const ServiceStatus& a, const ServiceStatus& b) { return a.urgency() > b.urgency(); });
  return report;
}

}  // namespace salvor::control
