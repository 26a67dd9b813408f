#include "control/restore_in_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/log.h"
#include "config/silent_paths.h"
#include "control/caller.h"
#include "control/internal/choose_point.h"
#include "control/internal/judge_status.h"
#include "control/internal/leave_evidence.h"
#include "control/internal/make_plan.h"
#include "control/internal/missing_evidence.h"
#include "control/internal/opened.h"
#include "control/internal/preview.h"
#include "control/internal/progress_ticker.h"
#include "control/internal/recorded_run.h"
#include "control/internal/report_values.h"
#include "control/internal/restore_words.h"
#include "control/internal/restores.h"
#include "control/internal/run_evidence.h"
#include "control/internal/surroundings.h"
#include "control/report_json.h"
#include "service/hooks.h"

namespace salvor::control {
namespace {

using catalog::RunState;
using internal::Logbook;
using internal::RecordedRun;
using recovery::RunOutcome;
using recovery::StepResult;

void require_confirmed(const InPlaceRequest& request) {
  if (request.confirm == request.plan.service) return;
  throw Error(
      ErrorCode::refused,
      request.confirm.empty()
          ? fmt::format("the restore of service {} in place was not confirmed",
                        printable(request.plan.service))
          : fmt::format("\"{}\" was confirmed, expected \"{}\"", printable(request.confirm),
                        printable(request.plan.service)),
      fmt::format("look at the plan: salvor restore {0}{1} --plan; then confirm the restore: "
                  "salvor restore {0}{1} --confirm {0}",
                  printable(request.plan.service),
                  internal::at_of(request.plan.at) + internal::options_of(request.plan)));
}

/// What one command needs to carry out a run.
class InPlace {
 public:
  /// `verb`: as its progress and its events name it.
  InPlace(const config::Config& config, const Caller& caller, std::string verb)
      : config_(config),
        caller_(caller),
        verb_(std::move(verb)),
        warnings_(caller),
        phase_(verb_),
        logbook_(config),
        opened_(internal::open_repository(config, repo::Access::write, caller.stop)),
        access_(internal::surroundings_of_restore(config)),
        ticker_(caller, [this] { return phase(); }) {
    internal::compare_head(*opened_.repository, logbook_, internal::ShorterLog::warn);
    no_commit_ = internal::why_no_commit(opened_, logbook_);
    internal::catch_up(*opened_.repository, logbook_);
    internal::settle_ended_restores(config_, *opened_.repository, logbook_);
  }

  /// Before anything is locked.   Errors: refused: its safety snapshot can't be taken.
  void require_safety_snapshot_for(const recovery::Plan& plan) const {
    if (no_commit_ && recovery::wants_safety_snapshot(plan)) {
      throw recovery::no_safety_snapshot(plan, *no_commit_);
    }
  }

  /// The run that this command begins.
  RecordedRun begin(const std::string& service) {
    return {config_, logbook_, catalog::RunKind::restore, service, caller_, warnings_};
  }
  /// The run that it continues.
  RecordedRun go_on_with(catalog::RunId id, const std::string& service) {
    return {config_,   logbook_,     catalog::RunKind::restore, service, caller_,
            warnings_, std::move(id)};
  }

  Logbook& logbook() { return logbook_; }
  repo::Repository& repository() { return *opened_.repository; }
  recovery::StoreAccess& access() { return access_; }

  recovery::ExecuteOptions options(RecordedRun& run, const std::string& service,
                                   std::function<void(const std::string&)> on_begin) {
    recovery::ExecuteOptions options;
    options.stop = caller_.stop;
    options.progress = &progress_;
    options.catalog = logbook_.catalog();
    options.say = [this](const std::string& line) { caller_.tell(Note{line}); };
    options.baseline = baseline_of(service);
    options.no_safety_snapshot = no_commit_;
    options.on_begin = [this, &run, on_begin = std::move(on_begin)](const recovery::Plan& plan) {
      logbook_.take_up({plan.run}, catalog::RunKind::restore, plan.service);
      logbook_.file_under({plan.run}, repository());
      tell_began(run, plan);
      if (on_begin) on_begin(plan.run);
    };
    options.on_step = [this](const recovery::StepOutcome& step, std::size_t number,
                             std::size_t count) {
      if (step.result == StepResult::began) enter(step.id);
      // Note it now: a run that is killed later has put its safety snapshot into the log.
      logbook_.note_head(repository().id().hex(), repository().sequence());
      caller_.tell(internal::told_of(step, number, count));
    };
    return options;
  }

  void tell_began(RecordedRun& run, const recovery::Plan& plan) const {
    std::vector<std::string> stores;
    for (const recovery::StorePlan& store : plan.stores) stores.push_back(store.name);
    run.tell_began(std::move(stores), verb_);
  }

  /// Records how the run ended. `confirmed`: by who runs this.
  InPlaceReport finish(RecordedRun& run, RunOutcome outcome, bool confirmed) {
    logbook_.note_head(repository().id().hex(), repository().sequence());
    InPlaceReport report;
    report.outcome = std::move(outcome);
    internal::RunEnd end{
        report.outcome.state, internal::error_of(report.outcome), report.problem(), {}};
    // Undone, closed or abandoned: how long ago its work has ended is no part of its time.
    if (is_over(report.outcome)) end.ended = report.outcome.ended;
    // Whoever ended it before may have been killed before it left a record.
    const bool is_late =
        !report.outcome.acted && internal::lacks_evidence(repository(), logbook_, report.outcome);
    if (!report.outcome.acted && !is_late) {
      run.stay(std::move(end));
      return report;
    }
    run.opened(repository());
    internal::describe_run(report.outcome, repository(), run.evidence());
    if (is_late) internal::mark_as_late(report.outcome, run.evidence());
    if (confirmed) run.evidence().confirmed_by = run.evidence().started_by;
    run.finish(report, std::move(end));
    return report;
  }

  /// What the watch after the newest restore saw, as far as this machine knows. A record of the
  /// catalog that can't be read counts as absent.
  checks::Baseline baseline_of(const std::string& service) {
    if (service.empty()) return {};
    try {
      for (const catalog::RunRow& row :
           internal::restores_in_place(logbook_, service, repository().id().hex())) {
        if (const auto watched = watch_in(row.id.text)) return recovery::baseline_in(*watched);
      }
    } catch (const Error& error) {
      log::warning("the results of earlier watches can't be read from the catalog: {}",
                   error.message());
    }
    return {};
  }

  /// The row of the catalog whose id begins so. Empty: none, or no catalog.   Errors: usage:
  /// several begin so.
  std::optional<catalog::RunRow> row_of(const std::string& run) {
    try {
      if (logbook_.catalog() != nullptr) return logbook_.catalog()->run(run);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::usage) throw;
      log::warning("the catalog can't be used: {}", error.message());
    }
    return std::nullopt;
  }

  /// A run's id, where its beginning was given, or "latest".   Errors: not_found.
  std::string whole_id(const std::string& run) {
    if (run == "latest") return latest_run();
    const auto row = row_of(run);
    return row ? row->id.text : run;
  }

 private:
  /// All stores count as one phase, so that its rate and its end can be estimated.
  void enter(const recovery::StepId& step) {
    const std::lock_guard lock(phase_mutex_);
    counts_ = step.kind == recovery::StepKind::restore_store;
    phase_ = counts_ ? "restore" : "restore: " + name_of(step);
  }

  PhaseProgress phase() {
    const std::lock_guard lock(phase_mutex_);
    if (counts_) return internal::phase_of(phase_, progress_);
    PhaseProgress uncounted;
    uncounted.phase = phase_;
    return uncounted;
  }

  /// What the watch of a run saw; empty: it had none, or its record can't be read.
  std::optional<std::string> watch_in(const std::string& run) {
    try {
      for (const std::string& record : logbook_.catalog()->journal(run)) {
        const recovery::JournalEntry entry = recovery::parse_journal_entry(record);
        const bool watched =
            entry.step == recovery::StepKind::watch && entry.event == recovery::Event::done;
        if (watched) return entry.data;
      }
    } catch (const Error& error) {
      log::warning("the catalog's records of run {} are ignored: {}", run, error.message());
    }
    return std::nullopt;
  }

  /// The newest restore in place of all services; ids sort by time.
  std::string latest_run() {
    std::string latest;
    for (const service::Service& service : config_.services) {
      const auto run = recovery::newest_run(repository(), service.name, logbook_.catalog());
      if (run && *run > latest) latest = *run;
    }
    if (!latest.empty()) return latest;
    throw Error(ErrorCode::not_found, "no service was ever restored in place",
                "`salvor runs` lists the runs");
  }

  const config::Config& config_;
  const Caller& caller_;
  const std::string verb_;
  internal::RunWarnings warnings_;
  std::mutex phase_mutex_;  ///< guards the two below
  std::string phase_;
  bool counts_ = true;  ///< the phase restores, and so has something to count
  Logbook logbook_;
  internal::Opened opened_;
  std::optional<Error> no_commit_;  // why no safety snapshot may be taken; empty: it may
  recovery::StoreAccess access_;
  backup::Progress progress_;
  internal::ProgressTicker ticker_;
};

/// `notes`: what should be known of the point that was chosen.
recovery::Plan plan_of(InPlace& in_place, const config::Config& config,
                       const InPlaceRequest& request, std::vector<std::string>& notes) {
  const internal::Owner owner = internal::owner_of(config, request.plan.service);
  const repo::Point& point =
      internal::choose_point(in_place.repository(), owner, request.plan.at, request.plan.stores,
                             internal::options_of(request.plan));
  notes = internal::notes_on(in_place.repository(), owner, point, Clock::system().now());
  for (std::string& line : internal::lacks_of(nullptr, point)) notes.push_back(std::move(line));
  return internal::make_plan(config, config.service(request.plan.service), point,
                             service::Mode::restore, request.plan);
}

using Continue = std::function<RunOutcome(const std::string& run, const std::string& service,
                                          const recovery::ExecuteOptions& options)>;

/// A run that is resumed, undone, closed or abandoned.
class ContinuedRun {
 public:
  ContinuedRun(const config::Config& config, const ContinueRequest& request, const Caller& caller,
               std::string verb)
      : config_(config),
        request_(request),
        caller_(caller),
        verb_(std::move(verb)),
        in_place_(config, caller, verb_) {}

  InPlace& in_place() { return in_place_; }

  InPlaceReport carry_out(const Continue& how) {
    const std::string run = in_place_.whole_id(request_.run);
    const auto head =
        recovery::head_of_run(in_place_.repository(), in_place_.logbook().catalog(), run);
    const std::string service = head ? head->plan.service : service_of(run);
    if (head && request_.run == "latest") require_meant(*head);
    require_stores_answer(head, service);
    const std::string confirmed = confirm(head, run, service);
    RecordedRun recorded = in_place_.go_on_with({run}, service);
    recovery::ExecuteOptions options = in_place_.options(recorded, service, request_.on_begin);
    options.takeover = request_.takeover;
    options.current_commands = request_.current_commands;
    options.configured = [this](const recovery::Plan& plan) { return configured(plan); };
    return recorded.carry_out([&] {
      // A close has no steps, and so no beginning of its own.
      if (head && verb_ == "close") in_place_.tell_began(recorded, head->plan);
      return in_place_.finish(recorded, how(run, service, options), !confirmed.empty());
    });
  }

 private:
  /// "latest" means the newest restore that can be undone, not one that was refused since.
  void require_meant(const recovery::RunHead& head) const {
    if (head.state != RunState::failed || head.is_open) return;
    service::require_no_running_hook(head.plan.run);
    throw Error(ErrorCode::refused,
                fmt::format("the latest restore in place, {}, was refused, or has undone its own "
                            "steps: nothing of it is left",
                            head.plan.run),
                fmt::format("name the run that is meant; salvor runs {} lists them",
                            printable(head.plan.service)));
  }

  /// The service of a run whose journal can't be read: the user has to name it.
  std::string service_of(const std::string& run) {
    const auto row = in_place_.row_of(run);
    return row ? row->service : request_.confirm;
  }

  /// Where a store of a plan is on this machine; empty: nowhere, or its type is not known.
  static std::filesystem::path place_of(const recovery::StorePlan& store) {
    const stores::Type* const type = stores::find_type(store.type);
    return type == nullptr ? "" : type->location(store.settings).path;
  }

  /// The stores of the plan, since the configuration may have others now. Where the plan can't be
  /// read, those of the configuration.
  void require_stores_answer(const std::optional<recovery::RunHead>& head,
                             const std::string& service) const {
    std::vector<config::NamedPath> named;
    if (head) {
      for (const recovery::StorePlan& store : head->plan.stores) {
        const std::string what = fmt::format("store {} of service {}", store.name, service);
        const std::filesystem::path place = place_of(store);
        if (place.empty()) continue;
        named.push_back({place, what});
        named.push_back({place.parent_path(), what});
      }
      config::require_answers_of(named, config_, caller_.stop);
    }
    const service::Service* const known = config_.find_service(service);
    if (!head && known != nullptr) config::require_stores_answer(config_, *known);
  }

  std::optional<recovery::Plan> configured(const recovery::Plan& plan) const {
    const service::Service* const service = config_.find_service(plan.service);
    if (service == nullptr) return std::nullopt;
    recovery::Plan now = plan;
    now.directory = config_.file.parent_path().native();
    now.set_procedure(*service);
    return now;
  }

  /// Where nothing is left to do, no confirmation is needed.
  bool needs_confirmation(const std::optional<recovery::RunHead>& head) const {
    if (verb_ == "resume") return false;
    if (!head) return verb_ == "abandon";
    const RunState state = head->state;
    const bool undone = state == RunState::undone || state == RunState::abandoned;
    const bool over = undone || (state == RunState::failed && !head->is_open);
    if (verb_ == "undo") return !over && state != RunState::closed;
    if (verb_ == "abandon") return head->is_open || state == RunState::succeeded;
    return state == RunState::succeeded || state == RunState::closed || state == RunState::undone;
  }

  std::string confirm(const std::optional<recovery::RunHead>& head, const std::string& run,
                      const std::string& service) {
    std::string given = request_.confirm;
    if (needs_confirmation(head)) {
      ContinuePreview preview{verb_, run, service, {}};
      if (head) preview = internal::preview_of(*head, verb_, in_place_.access());
      if (given.empty() && request_.ask) {
        given = request_.ask(preview);
      } else {
        for (const std::string& line : preview.lines) caller_.tell(Note{line});
      }
      if (given.empty()) refuse_unconfirmed(run, service);
    }
    if (given.empty() || given == service) return given;
    throw Error(
        ErrorCode::refused,
        fmt::format("\"{}\" was confirmed, expected \"{}\"", printable(given), printable(service)),
        command(run, service));
  }

  [[noreturn]] void refuse_unconfirmed(const std::string& run, const std::string& service) const {
    throw Error(ErrorCode::refused,
                fmt::format("restore --{} of run {} of service {} was not confirmed", verb_, run,
                            service.empty() ? "(not known)" : printable(service)),
                command(run, service));
  }

  std::string command(const std::string& run, const std::string& service) const {
    return fmt::format("confirm it: salvor restore --{} {} --confirm {}", verb_, run,
                       service.empty() ? "SERVICE" : printable(service));
  }

  const config::Config& config_;
  const ContinueRequest& request_;
  const Caller& caller_;
  const std::string verb_;
  InPlace in_place_;
};

using RecoveryVerb = RunOutcome (*)(repo::Repository&, recovery::StoreAccess&, const std::string&,
                                    const recovery::ExecuteOptions&);

InPlaceReport continue_run(const config::Config& config, const ContinueRequest& request,
                           const Caller& caller, const std::string& verb, RecoveryVerb how) {
  ContinuedRun continued(config, request, caller, verb);
  InPlace& in_place = continued.in_place();
  return continued.carry_out(
      [&](const std::string& run, const std::string&, const recovery::ExecuteOptions& options) {
        return how(in_place.repository(), in_place.access(), run, options);
      });
}

/// Whether something of the step may be there.
bool has_acted(const recovery::StepOutcome& step) {
  return step.result == StepResult::began || step.result == StepResult::done ||
         step.result == StepResult::failed;
}

}  // namespace

bool is_over(const RunOutcome& outcome) {
  const bool is_undone = outcome.state == RunState::undone || outcome.state == RunState::closed;
  if (is_undone || outcome.state == RunState::abandoned) return true;
  // A failed run may have undone its own steps.
  return outcome.state == RunState::failed && std::ranges::none_of(outcome.steps, has_acted);
}

bool holds_writes(const RunOutcome& run) {
  bool locked = false;
  for (const recovery::StepOutcome& step : run.steps) {
    if (step.id == recovery::StepKind::lock_writes) locked = has_acted(step) && run.plan.writes;
    if (step.id == recovery::StepKind::return_to_service && step.result == StepResult::done)
      return false;
  }
  return locked && run.state != RunState::running;
}

std::optional<Error> InPlaceReport::problem() const {
  if (outcome.failure) return outcome.failure;
  // After an undo or a close the verdict of the watch does not matter any more.
  if (outcome.healthy || outcome.state != RunState::succeeded) return std::nullopt;
  return Error(ErrorCode::checks_failed,
               "the service is restored, but the watch found that it is not healthy",
               "see the results of the probes: salvor runs show " + outcome.plan.run);
}

InPlaceReport restore_in_place(const config::Config& config, const InPlaceRequest& request,
                               const Caller& caller) {
  config::check_paths(config);
  config::check_overlaps(config, config.service(request.plan.service));
  require_confirmed(request);
  config::require_live_answers(config, config.service(request.plan.service), request.plan.stores);
  InPlace in_place(config, caller, "restore");
  std::vector<std::string> notes;
  recovery::Plan plan = plan_of(in_place, config, request, notes);
  in_place.require_safety_snapshot_for(plan);
  RecordedRun run = in_place.begin(plan.service);
  run.describe_failure(internal::text_of({{"mode", name_of(plan.mode)}}));
  plan.run = run.id();
  plan.trigger = caller.trigger;
  plan.confirmed_by = run.evidence().started_by;
  return run.carry_out([&] {
    RunOutcome outcome =
        recovery::execute(in_place.repository(), in_place.access(), plan,
                          in_place.options(run, request.plan.service, request.on_begin));
    InPlaceReport report = in_place.finish(run, std::move(outcome), false);
    report.notes = std::move(notes);
    for (const std::string& note : report.notes) caller.tell(Warning{note, {}, {}});
    return report;
  });
}

InPlaceReport resume_restore(const config::Config& config, const ContinueRequest& request,
                             const Caller& caller) {
  return continue_run(config, request, caller, "resume", recovery::resume);
}

InPlaceReport undo_restore(const config::Config& config, const ContinueRequest& request,
                           const Caller& caller) {
  return continue_run(config, request, caller, "undo", recovery::undo);
}

InPlaceReport close_restore(const config::Config& config, const ContinueRequest& request,
                            const Caller& caller) {
  return continue_run(config, request, caller, "close", recovery::close);
}

InPlaceReport abandon_restore(const config::Config& config, const ContinueRequest& request,
                              const Caller& caller) {
  ContinuedRun continued(config, request, caller, "abandon");
  InPlace& in_place = continued.in_place();
  return continued.carry_out([&](const std::string& run, const std::string& service,
                                 const recovery::ExecuteOptions& options) {
    return recovery::abandon(in_place.repository(), in_place.access(), run, service, options);
  });
}

}  // namespace salvor::control
