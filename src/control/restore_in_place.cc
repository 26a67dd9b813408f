#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "control/control.h"
#include "control/internal/choose_point.h"
#include "control/internal/judge_status.h"
#include "control/internal/leave_evidence.h"
#include "control/internal/make_plan.h"
#include "control/internal/opened.h"
#include "control/internal/progress_ticker.h"
#include "control/internal/restores.h"
#include "control/internal/run_evidence.h"
#include "control/internal/store_access.h"
#include "control/report_json.h"

namespace salvor::control {
namespace {

using internal::Records;
using recovery::RunOutcome;

catalog::RunState state_of(const RunOutcome& outcome) {
  return catalog::parse_run_state(outcome.state).value_or(catalog::RunState::failed);
}

void require_confirmed(const InPlaceRequest& request) {
  if (request.confirm == request.plan.service) return;
  throw Error(ErrorCode::refused,
              request.confirm.empty()
                  ? fmt::format("restoring service {} in place was not confirmed",
                                printable(request.plan.service))
                  : fmt::format("\"{}\" was confirmed, expected \"{}\"", printable(request.confirm),
                                printable(request.plan.service)),
              fmt::format("look at the plan: salvor restore {0} --plan; then add --confirm {0}",
                          printable(request.plan.service)));
}

/// What one command needs to carry out a run.
class InPlace {
 public:
  InPlace(const Config& config, const Caller& caller)
      : config_(config),
        caller_(caller),
        records_(config),
        opened_(internal::open_repository(config, repo::Access::write, caller.stop)),
        access_(internal::make_store_access(config)),
        ticker_(caller, [this] { return internal::phase_of("restore", progress_); }) {
    internal::compare_head(*opened_.repository, records_, internal::ShorterLog::warn);
  }

  Records& records() { return records_; }
  repo::Repository& repository() { return *opened_.repository; }
  recovery::StoreAccess& access() { return *access_; }

  recovery::ExecuteOptions options(const std::string& service,
                                   std::function<void(const std::string&)> on_begin) {
    recovery::ExecuteOptions options;
    options.stop = caller_.stop;
    options.progress = &progress_;
    options.catalog = records_.catalog();
    options.say = caller_.say;
    options.baseline = baseline_of(service);
    options.on_begin = [this, on_begin = std::move(on_begin)](const recovery::Plan& plan) {
      records_.take_up({plan.run}, catalog::RunKind::restore, plan.service);
      records_.file_under({plan.run}, repository());
      if (on_begin) on_begin(plan.run);
    };
    if (caller_.say) {
      options.on_step = [this](const std::string& step, std::size_t number, std::size_t count) {
        caller_.say(fmt::format("step {} of {}: {}", number, count, step));
      };
    }
    return options;
  }

  /// Writes down how it ended: in the catalog, and as evidence.
  InPlaceReport finish(RunOutcome outcome) {
    const catalog::RunId run{outcome.plan.run};
    records_.note_head(repository().id().hex(), repository().sequence());
    InPlaceReport report;
    report.outcome = std::move(outcome);
    if (!report.outcome.acted) return report;
    recovery::EvidenceRecord evidence = internal::new_evidence(
        config_, catalog::RunKind::restore, report.outcome.plan.service, run.text, caller_);
    internal::describe_run(report.outcome, repository(), evidence);
    internal::leave_evidence(repository(), records_, std::move(evidence));
    // A close does not begin: this catalog may not know the run yet.
    records_.take_up(run, catalog::RunKind::restore, report.outcome.plan.service);
    records_.file_under(run, repository());
    records_.finish(run, state_of(report.outcome), to_json(report),
                    report.outcome.failure ? report.outcome.failure->message() : "");
    return report;
  }

  /// What the watch after the newest restore saw, as far as this machine knows.
  recovery::Baseline baseline_of(const std::string& service) {
    if (service.empty()) return {};
    for (const catalog::RunRow& row :
         internal::restores_in_place(records_, service, repository().id().hex())) {
      for (const std::string& record : records_.catalog()->journal(row.id.text)) {
        const recovery::JournalEntry entry = recovery::parse_journal_entry(record);
        if (entry.step == "watch" && entry.event == recovery::Event::done) {
          return recovery::baseline_in(entry.data);
        }
      }
    }
    return {};
  }

 private:
  const Config& config_;
  const Caller& caller_;
  Records records_;
  internal::Opened opened_;
  std::unique_ptr<recovery::StoreAccess> access_;
  backup::Progress progress_;
  internal::ProgressTicker ticker_;
};

/// `notes`: what should be known of the point that was chosen.
recovery::Plan plan_of(InPlace& in_place, const Config& config, const InPlaceRequest& request,
                       std::vector<std::string>& notes) {
  const internal::Owner owner = internal::owner_of(config, request.plan.service);
  const repo::Point& point =
      internal::choose_point(in_place.repository(), owner, request.plan.at, request.plan.stores);
  notes = internal::notes_on(in_place.repository(), owner, point, Clock::system().now());
  for (std::string& line : internal::lacks_of(nullptr, point)) notes.push_back(std::move(line));
  return internal::make_plan(config, config.service(request.plan.service), point,
                             recovery::Mode::restore, request.plan);
}

/// A run's id, where only its beginning was given.
std::string whole_id(const Config& config, const std::string& run) {
  try {
    const auto row = internal::open_catalog(config).run(run);
    if (row) return row->id.text;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::usage) throw;
    log::warning("the catalog can't be used: {}", error.message());
  }
  return run;
}

/// Whose run it is, as far as the catalog knows.
std::string service_of(const Config& config, const std::string& run) {
  try {
    const auto row = internal::open_catalog(config).run(run);
    return row ? row->service : "";
  } catch (const Error& error) {
    log::debug("the catalog can't be used: {}", error.message());
    return {};
  }
}

using Continue = RunOutcome (*)(repo::Repository&, recovery::StoreAccess&, const std::string&,
                                const recovery::ExecuteOptions&);

InPlaceReport go_on(const Config& config, const ContinueRequest& request, const Caller& caller,
                    Continue how) {
  const std::string run = whole_id(config, request.run);
  InPlace in_place(config, caller);
  recovery::ExecuteOptions options = in_place.options(service_of(config, run), request.on_begin);
  options.takeover = request.takeover;
  return in_place.finish(how(in_place.repository(), in_place.access(), run, options));
}

}  // namespace

bool is_over(const RunOutcome& outcome) {
  if (outcome.state == "undone" || outcome.state == "closed") return true;
  if (outcome.state != "failed") return false;
  // It has taken back by itself what it had begun.
  return std::none_of(outcome.steps.begin(), outcome.steps.end(), [](const auto& step) {
    return step.result == "began" || step.result == "done" || step.result == "failed";
  });
}

InPlaceReport restore_in_place(const Config& config, const InPlaceRequest& request,
                               const Caller& caller) {
  check_paths(config);
  config.service(request.plan.service);
  require_confirmed(request);
  InPlace in_place(config, caller);
  std::vector<std::string> notes;
  recovery::Plan plan = plan_of(in_place, config, request, notes);
  const catalog::RunId run =
      in_place.records().begin(catalog::RunKind::restore, request.plan.service, caller.trigger);
  plan.run = run.text;
  plan.trigger = caller.trigger;
  plan.confirmed_by = internal::new_evidence(config, catalog::RunKind::restore,
                                             request.plan.service, run.text, caller)
                          .started_by;
  try {
    InPlaceReport report = in_place.finish(
        recovery::execute(in_place.repository(), in_place.access(), plan,
                          in_place.options(request.plan.service, request.on_begin)));
    report.notes = std::move(notes);
    return report;
  } catch (const std::exception& error) {
    in_place.records().fail(run, error);
    throw;
  }
}

InPlaceReport resume_restore(const Config& config, const ContinueRequest& request,
                             const Caller& caller) {
  return go_on(config, request, caller, recovery::resume);
}

InPlaceReport undo_restore(const Config& config, const ContinueRequest& request,
                           const Caller& caller) {
  return go_on(config, request, caller, recovery::undo);
}

InPlaceReport close_restore(const Config& config, const ContinueRequest& request,
                            const Caller& caller) {
  return go_on(config, request, caller, recovery::close);
}

}  // namespace salvor::control
