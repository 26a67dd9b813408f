#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "cli/commands.h"
#include "cli/in_place.h"
#include "cli/invocation.h"
#include "cli/run_summary.h"
#include "control/caller.h"
#include "control/report_json.h"
#include "control/restore_in_place.h"
#include "control/runs.h"
#include "control/service_status.h"

namespace salvor::cli {
namespace {

struct RunsChoices {
  std::string service;
  std::size_t limit = 100;
  std::string run;
  bool follow = false;
};

std::string kind_of(const control::RunRow& run) {
  const std::string kind(name_of(run.kind));
  const auto in_place = control::is_in_place(run);
  return in_place ? kind + (*in_place ? " in place" : " into") : kind;
}

std::string duration_of(const control::RunRow& run) {
  return run.ended ? human_duration(run.ended->seconds_since(run.started)) : "-";
}

/// The first line of an error: `runs show` prints all of it.
std::string shortened(const std::string& error) {
  constexpr std::size_t kColumnsMax = 140;
  const std::vector<std::string> lines = wrapped(error, kColumnsMax);
  return lines.size() == 1 ? error : lines.front() + " …";
}

int list(Invocation& invocation, const RunsChoices& request) {
  control::RunFilter filter;
  if (!request.service.empty()) filter.service = request.service;
  filter.limit = request.limit;
  const auto runs =
      control::list_runs(invocation.load_config(control::Looks::at_repository), filter);
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(runs));
    return 0;
  }
  Table table({"RUN", "KIND", "SERVICE", "STATE", "STARTED", ">TIME", "ERROR"});
  for (const control::RunRow& run : runs) {
    std::string error = run.error.substr(0, run.error.find('\n'));
    if (output.terminal()) error = shortened(error);
    table.row({run.id.text, kind_of(run), run.service.empty() ? "-" : printable(run.service),
               std::string(name_of(run.state)), local_time(run.started), duration_of(run), error});
  }
  output.table(table);
  return 0;
}

/// A line for each step that has come further since the last look.
void tell_steps(Invocation& invocation, const control::RunOutcome& outcome,
                std::map<std::string, control::StepResult>& told) {
  for (const control::StepOutcome& step : outcome.steps) {
    control::StepResult& last = told[name_of(step.id)];
    if (step.result == last || step.result == control::StepResult::planned) continue;
    last = step.result;
    invocation.say(fmt::format("{}: {}{}", name_of(step.id), in_words(name_of(step.result)),
                               step.seconds > 0 ? " in " + human_duration(step.seconds) : ""));
  }
}

/// Whether a process still carries the run out. The journal learns of its end before the catalog
/// does, and a run that another host has resumed continues in the journal only.
bool is_running(const control::RunReport& report) {
  return report.row.state == control::RunState::running ||
         (report.outcome && report.outcome->state == control::RunState::running);
}

/// Prints what the run does until it ends, or waits for somebody.
control::RunReport follow(Invocation& invocation, const control::Config& config, std::string run) {
  constexpr auto kEvery = std::chrono::seconds(1);
  constexpr auto kPoll = std::chrono::milliseconds(100);
  const control::Caller caller = invocation.caller();
  std::map<std::string, control::StepResult> told;
  while (true) {
    control::RunReport report = control::show_run(config, run, caller);
    run = report.row.id.text;  // another run may be the latest by then
    if (report.outcome && !invocation.quiet()) tell_steps(invocation, *report.outcome, told);
    if (!is_running(report)) return report;
    for (auto waited = kPoll; waited < kEvery; waited += kPoll) {
      if (caller.stop.stop_requested()) {
        throw Error(ErrorCode::cancelled, "stopped following run " + printable(run),
                    "the run itself continues");
      }
      std::this_thread::sleep_for(kPoll);
    }
  }
}

/// The state, and what it means where one word does not say it.
std::string state_of(const control::RunReport& report) {
  const std::string state(name_of(report.row.state));
  const bool abandoned = report.outcome && report.outcome->state == control::RunState::abandoned;
  return abandoned ? state + ": the run was abandoned, and can't be resumed, undone or closed"
                   : state;
}

void show_head(Output& output, const control::RunReport& report) {
  const control::RunRow& run = report.row;
  output.line(fmt::format("run      {}", run.id.text));
  output.line("kind     " + kind_of(run));
  if (!run.service.empty()) output.line(fmt::format("service  {}", printable(run.service)));
  output.line("state    " + state_of(report));
  output.line(fmt::format("trigger  {}", printable(run.trigger)));
  output.line(fmt::format("started  {}", local_time(run.started)));
  if (run.ended) {
    output.line(fmt::format("ended    {} (after {})", local_time(*run.ended), duration_of(run)));
  }
  if (run.error.empty()) return;
  // Checks that failed are shown below, one by one.
  const bool told =
      report.outcome && !std::ranges::all_of(report.outcome->checks, &control::CheckOutcome::good);
  output.line("error    " + (told ? run.error.substr(0, run.error.find('\n')) : run.error));
}

/// Whether somebody has to resume, undo or abandon it.
bool is_open(const control::RunOutcome& outcome) {
  const bool stopped =
      outcome.state == control::RunState::failed || outcome.state == control::RunState::interrupted;
  return stopped && outcome.plan.mode == control::Mode::restore && !control::is_over(outcome);
}

int show(Invocation& invocation, const RunsChoices& request) {
  const control::Config config = invocation.load_config(control::Looks::at_repository);
  const control::RunReport report =
      request.follow ? follow(invocation, config, request.run)
                     : control::show_run(config, request.run, invocation.caller());
  invocation.end_progress();
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(report));
    return 0;
  }
  show_head(output, report);
  if (report.outcome) {
    output.line(fmt::format("point    {} of {}", report.outcome->plan.point_text(),
                            local_time(report.outcome->plan.point_time)));
    show_steps(output, *report.outcome);
    show_checks(output, *report.outcome);
    for (const std::string& line : report.outcome->left) output.line("left: " + printable(line));
    if (is_open(*report.outcome)) output.line("hint: " + way_on_of(*report.outcome));
  } else {
    show_summary(output, report.row);
  }
  return 0;
}

}  // namespace

void add_runs(Verb root) {
  const auto request = std::make_shared<RunsChoices>();
  Verb runs =
      root.add("runs", "List the runs of this machine, the newest first", "salvor runs shop");
  runs.optional("SERVICE", request->service, "only this service")
      .option("--limit", "COUNT", request->limit, "show at most so many runs (default 100)")
      .action([request](Invocation& invocation) { return list(invocation, *request); });
  runs.add("show", "Show one run with its report", "salvor runs show 20260203t040506-1a2b3c4d")
      .required("RUN", request->run, "the run's id, its beginning, or latest")
      .flag("--follow", request->follow, "report each step until the run ends, then show the run")
      .action([request](Invocation& invocation) { return show(invocation, *request); });
}

}  // namespace salvor::cli
