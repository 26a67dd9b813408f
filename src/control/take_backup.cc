#include "control/take_backup.h"

#include <fmt/format.h>

#include <algorithm>

#include "backup/suspicion.h"
#include "base/log.h"
#include "config/own_places.h"
#include "config/silent_paths.h"
#include "control/caller.h"
#include "control/internal/baseline.h"
#include "control/internal/canaries.h"
#include "control/internal/choose_point.h"
#include "control/internal/held_writes.h"
#include "control/internal/leave_evidence.h"
#include "control/internal/missing_evidence.h"
#include "control/internal/opened.h"
#include "control/internal/progress_ticker.h"
#include "control/internal/recorded_run.h"
#include "control/internal/surroundings.h"
#include "control/report_json.h"
#include "control/restore_in_place.h"
#include "control/version.h"

namespace salvor::control {
namespace {

using internal::Logbook;
using internal::Opened;
using internal::RecordedRun;

/// One backup command: the repository is opened once, for the first service that needs it.
class Backups {
 public:
  /// `warnings`: since the command began.
  Backups(const config::Config& config, const Caller& caller, internal::RunWarnings& warnings)
      : config_(config), caller_(caller), warnings_(warnings), logbook_(config) {}

  BackupReport take(const service::Service& service,
                    const std::vector<const service::Store*>& stores) {
    RecordedRun run(config_, logbook_, catalog::RunKind::backup, service.name, caller_, warnings_);
    run.tell_began(names_of(stores));
    note_uncovered(service, stores, run.evidence());
    return run.carry_out([&] {
      const Time start = Clock::system().monotonic();
      open(run);
      BackupReport report = take_opened(service, stores, run.id());
      report.duration_s = Clock::system().monotonic().seconds_since(start);
      warn_of_future(report);
      report.service = service.name;
      report.run = run.id();
      for (std::string& line : config::idle_sections(config_, service.name)) {
        report.warnings.push_back(std::move(line));
      }
      describe(report.result, run.evidence());
      tell_warnings(report);
      run.finish(report, {.verdict = report.suspicion()});
      return report;
    });
  }

  /// Whether a backup could begin: what keeps it from that keeps every service's.
  bool has_begun() const { return has_begun_; }

 private:
  static std::vector<std::string> names_of(const std::vector<const service::Store*>& stores) {
    std::vector<std::string> names;
    for (const service::Store* store : stores) names.push_back(store->name);
    return names;
  }

  /// Those that the caller shows with the report.
  void tell_warnings(const BackupReport& report) const {
    for (const backup::Unreadable& unreadable : report.result.unreadable) {
      caller_.tell(
          Warning{"not in the backup: " + unreadable.reason,
                  fmt::format("store {}: {}", unreadable.store, printable(unreadable.path)),
                  {}});
    }
    for (const std::string& line : report.warnings) caller_.tell(Warning{line, {}, {}});
  }

  BackupReport take_opened(const service::Service& service,
                           const std::vector<const service::Store*>& stores,
                           const std::string& run) {
    config::require_stores_answer(config_, service, names_of(stores));
    std::vector<std::unique_ptr<stores::Source>> sources;
    std::vector<backup::StoreInput> inputs;
    for (const service::Store* store : stores) {
      sources.push_back(source_of(*store));
      inputs.push_back({store->name, std::string(store->type->name()), sources.back().get(),
                        store->type->tolerates_unreadable(store->settings)});
    }
    std::optional<internal::Canaries> canaries;
    backup::Progress progress;
    backup::Options options;
    options.service = service.name;
    options.version = version();
    const internal::Baselines before =
        internal::find_baselines(*opened_.repository, internal::owner_of(config_, service.name));
    options.before_commit = [&](repo::Point& point) {
      canaries->state(point);
      judge(service, before, point);
    };
    options.facts = internal::evidence_facts(*opened_.repository, service.name);
    if (!config_.host.empty()) options.facts["host"] = config_.host;
    if (stores.size() != service.stores.size()) options.facts["partial"] = "yes";
    const internal::HeldWrites writes(config_, service, *opened_.repository, run, caller_.stop);
    options.around_mark = [&](const std::function<void()>& mark) {
      // Plant it right before the mark: the canary of a backup in between would make it look old.
      const auto plant_and_mark = [&] {
        canaries.emplace(*opened_.repository, service, stores, before);
        mark();
      };
      if (service.quiesce) {
        writes.during(plant_and_mark);
      } else {
        plant_and_mark();
      }
    };
    options.progress = &progress;
    options.stop = caller_.stop;
    const internal::ProgressTicker ticker(
        caller_, [&progress] { return internal::phase_of("backup", progress); });
    BackupReport report;
    report.result = backup::run(*opened_.repository, inputs, options);
    logbook_.note_head(opened_.repository->id().hex(), opened_.repository->sequence());
    return report;
  }

  static void judge(const service::Service& service, const internal::Baselines& before,
                    repo::Point& point) {
    for (repo::Snapshot& snapshot : point.snapshots) {
      const auto* baseline = before.find(snapshot.store);
      const service::Store* store = service.find_store(snapshot.store);
      backup::judge(snapshot, baseline == nullptr ? nullptr : &baseline->snapshot,
                    {store->shrink_percent, !before.has_points});
    }
  }

  /// Points that were taken while the clock was ahead: times say nothing where they are.
  void warn_of_future(BackupReport& report) const {
    const repo::Point& own = report.result.point;
    const internal::Owner owner = internal::owner_of(config_, own.service);
    for (const repo::Point& point : opened_.repository->points()) {
      if (!owner.has(point) || point.id == own.id) continue;
      std::string note = internal::note_on_time(point, own.time);
      if (!note.empty()) report.warnings.push_back(std::move(note));
    }
    constexpr std::size_t kToldMax = 3;
    if (report.warnings.size() <= kToldMax) return;
    const std::size_t more = report.warnings.size() - kToldMax;
    report.warnings.erase(report.warnings.begin(),
                          report.warnings.end() - static_cast<std::ptrdiff_t>(kToldMax));
    report.warnings.push_back(fmt::format("{} more recovery points are from the future", more));
  }

  /// What the service has and this point will not hold.
  static void note_uncovered(const service::Service& service,
                             const std::vector<const service::Store*>& stores,
                             evidence::EvidenceRecord& evidence) {
    for (const service::Store& store : service.stores) {
      if (std::find(stores.begin(), stores.end(), &store) == stores.end()) {
        evidence.not_covered.push_back(fmt::format("store {}: not asked for", store.name));
      }
      for (const std::string& pattern : store.left_out()) {
        evidence.not_covered.push_back(fmt::format("store {}: excluded: {}", store.name, pattern));
      }
    }
  }

  void describe(const backup::Result& result, evidence::EvidenceRecord& evidence) const {
    evidence.result = "succeeded";
    evidence.point = result.point;
    const internal::Owner owner = internal::owner_of(config_, result.point.service);
    const repo::Point* before = nullptr;
    for (const repo::Point& point : opened_.repository->points()) {
      if (owner.has(point) && point.id != result.point.id && point.is_good()) before = &point;
    }
    if (before != nullptr && result.point.is_good()) {
      evidence.rpo_measured_s = internal::age_s(*before, Clock::system().now());
    }
    for (const repo::Snapshot& snapshot : result.point.snapshots) {
      for (const std::string& why : snapshot.suspicions) {
        evidence.deviations.push_back(fmt::format("store {}: suspect: {}", snapshot.store, why));
      }
      evidence.phases.push_back(
          {"backup-" + snapshot.store, static_cast<double>(snapshot.duration_ns) / 1e9, "done"});
    }
    for (const backup::Unreadable& missing : result.unreadable) {
      evidence.deviations.push_back(fmt::format("store {}: could not be read: {}: {}",
                                                missing.store, missing.path, missing.reason));
    }
  }

  std::unique_ptr<stores::Source> source_of(const service::Store& store) {
    try {
      return store.type->source(store.settings, internal::surroundings_of(config_));
    } catch (const Error& error) {
      throw error.with_context("store " + store.name);
    }
  }

  /// An older copy is refused for every service: nothing may be committed to it.
  void open(RecordedRun& run) {
    if (!opened_.repository) {
      opened_ = internal::open_repository(config_, repo::Access::write, caller_.stop);
    } else {
      // Other runs may have committed since, and noted it in the catalog.
      opened_.repository->refresh();
    }
    run.opened(*opened_.repository);
    internal::compare_head(*opened_.repository, logbook_, internal::ShorterLog::refuse);
    if (!has_begun_) {
      internal::catch_up(*opened_.repository, logbook_);
      internal::settle_ended_restores(config_, *opened_.repository, logbook_);
    }
    has_begun_ = true;
  }

  const config::Config& config_;
  const Caller& caller_;
  internal::RunWarnings& warnings_;
  Logbook logbook_;
  Opened opened_;
  bool has_begun_ = false;
};

std::vector<BackupReport> take_all(const config::Config& config, Backups& backups,
                                   const Caller& caller) {
  std::vector<BackupReport> reports;
  for (const service::Service& service : config.services) {
    bool may_be_backed_up = false;
    try {
      config::check_overlaps(config, service);
      may_be_backed_up = true;
      reports.push_back(backups.take(service, service.chosen_stores({})));
    } catch (const Error& error) {
      // An error that stops the backup of every service is reported once.
      if (caller.stop.stop_requested() || (may_be_backed_up && !backups.has_begun())) throw;
      BackupReport& report = reports.emplace_back();
      report.service = service.name;
      report.failure = error.with_context("service " + service.name);
      // Otherwise the end of its run has reported it.
      if (!may_be_backed_up) {
        caller.tell(Warning{error.message(), "service " + service.name, error.hint()});
      }
    }
  }
  return reports;
}

}  // namespace

std::optional<Error> BackupReport::suspicion() const {
  const repo::Point& point = result.point;
  if (failure || !point.is_suspect()) return std::nullopt;
  std::string why;
  for (const repo::Snapshot& snapshot : point.snapshots) {
    for (const std::string& suspicion : snapshot.suspicions) {
      why += fmt::format("\n  store {}: {}", snapshot.store, printable(suspicion));
    }
  }
  return Error(
      ErrorCode::checks_failed,
      fmt::format("service {}: recovery point {} is suspect: it is kept, and is not the "
                  "latest{}",
                  service, point.id.hex(), why),
      fmt::format(
          "look at the live data; if it is right, accept the point: salvor points --accept {}",
          point.id.hex()));
}

std::vector<BackupReport> take_backup(const config::Config& config, const BackupRequest& request,
                                      const Caller& caller) {
  internal::RunWarnings warnings(caller);
  config::check_paths(config);
  for (const std::string& warning : config::secrets_in_stores(config)) {
    log::warning("{}", warning);
  }
  if (config.services.empty()) {
    throw Error(ErrorCode::configuration,
                printable(config.file.native()) + " has no service to back up",
                "add a [service.NAME] with a store");
  }
  const bool all = request.service.empty() && config.services.size() > 1;
  if (all && !request.stores.empty()) {
    throw Error(ErrorCode::usage, "stores were chosen, but no service",
                "name the service that the stores belong to");
  }
  Backups backups(config, caller, warnings);
  if (all) return take_all(config, backups, caller);
  const service::Service& service =
      request.service.empty() ? config.services.front() : config.service(request.service);
  config::check_overlaps(config, service);
  std::vector<BackupReport> reports;
  reports.push_back(backups.take(service, service.chosen_stores(request.stores)));
  return reports;
}

}  // namespace salvor::control
