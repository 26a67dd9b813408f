#include "cli/in_place.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <sstream>

#include "base/counted.h"
#include "cli/detach.h"
#include "control/caller.h"
#include "control/plan_restore.h"
#include "control/report_json.h"
#include "control/restore_in_place.h"
#include "control/service_status.h"

namespace salvor::cli {
namespace {

using control::CheckOutcome;
using control::RestorePlanReport;
using control::RunOutcome;
using control::RunState;

std::string expected(const std::optional<double>& seconds) {
  return seconds ? human_duration(*seconds) : "-";
}

/// Until the service is back.
std::string expected_of(const RestorePlanReport& report) {
  if (!report.expected_s) return "not known: no such restore was run before";
  const std::string sum = human_duration(*report.expected_s);
  return report.expected_is_least ? "at least " + sum + ": some steps were never run before" : sum;
}

void show_targets(Output& output, const RestorePlanReport& report) {
  Table table({"STORE", "TYPE", ">NOW", ">IN THE POINT", "TARGET", "IDENTITY"});
  for (const control::PlannedTarget& target : report.targets) {
    const control::TargetIdentity& identity = target.identity;
    const std::string now =
        !identity.exists ? "missing"
                         : fmt::format("{}{} in {} {}", identity.counted ? "" : "more than ",
                                       human_bytes(identity.bytes), with_commas(identity.entries),
                                       noun(identity.entries, "entry", "entries"));
    table.row({target.store, target.type, now,
               fmt::format("{} in {} {}", human_bytes(target.point_bytes),
                           with_commas(target.point_entries),
                           noun(target.point_entries, "entry", "entries")),
               printable(identity.path), identity.exists ? identity.identity : "-"});
  }
  output.table(table);
  for (const control::PlannedTarget& target : report.targets) {
    for (const control::Holder& holder : target.identity.holders) {
      output.line(fmt::format("  open: {} {} by process {} ({}){}", target.store,
                              printable(holder.path), holder.pid, printable(holder.command),
                              holder.writes ? ", for writing" : ""));
    }
  }
}

void show(Output& output, const RestorePlanReport& report) {
  // First, as nothing of the rest can be done until then.
  if (!report.open_note.empty()) output.line("open      " + report.open_note);
  output.line(fmt::format("service   {}", report.plan.service));
  const std::string host = report.point.host();
  output.line(fmt::format("point     {} of {}{}", report.point.id.hex(),
                          local_time(report.point.time),
                          host.empty() ? "" : ", host " + printable(host)));
  output.line(
      fmt::format("lost      {} of writes: everything since then", human_duration(report.lost_s)));
  for (const control::FileSystemSpace& space : report.space) {
    output.line(fmt::format("space     {} free at {}, {} needed", human_bytes(space.free),
                            printable(space.path), human_bytes(space.wanted)));
  }
  output.line("expected  " + expected_of(report));
  output.line(fmt::format("undo      {}", report.undo));
  output.line("");
  show_targets(output, report);
  output.line("");
  Table table({">", "STEP", ">EXPECTED", "WHAT"});
  for (std::size_t i = 0; i < report.steps.size(); ++i) {
    const control::PlannedStep& step = report.steps[i];
    table.row({std::to_string(i + 1), step.name, expected(step.expected_s), printable(step.what)});
  }
  output.table(table);
  if (!report.plan.checks.empty() || !report.plan.references.empty()) output.line("");
  for (const control::Check& check : report.plan.checks) {
    output.line("check     " + printable(check.name));
  }
  for (const control::Reference& reference : report.plan.references) {
    output.line("check     " + printable(reference.name));
  }
  for (const std::string& store : report.untouched) {
    output.line(fmt::format("warning   store {} is not in the point, and stays as it is", store));
  }
  for (const std::string& warning : report.warnings) output.line("warning   " + warning);
}

void show_check(Output& output, const std::string& run, const CheckOutcome& check) {
  if (check.verdict == control::Verdict::passed) return;
  if (check.verdict == control::Verdict::skipped) {
    output.line(fmt::format("{:<9} {}: {}", in_words(name_of(check.verdict)), printable(check.name),
                            printable(check.actual)));
    return;
  }
  output.line(fmt::format("{:<9} {}: expected {}, found {}", name_of(check.verdict),
                          printable(check.name), printable(check.expected),
                          printable(check.actual)));
  show_first_lines(output, run, check);
}

/// Where the old data of a run that succeeded is.
void show_kept(Output& output, const RunOutcome& outcome) {
  std::string over;
  bool beside = false;
  for (const control::StorePlan& store : outcome.plan.stores) {
    if (store.delta_in_place) over += (over.empty() ? "" : ", ") + store.name;
    if (!store.delta_in_place) beside = true;
  }
  if (beside) {
    output.line(
        fmt::format("the old data is kept: salvor restore --undo {0} --confirm {1} makes it live "
                    "again, salvor restore --close {0} --confirm {1} removes it",
                    outcome.plan.run, outcome.plan.service));
  }
  if (over.empty()) return;
  output.line(fmt::format(
      "the old data of {} was written over, and is in its safety snapshot only, where one was "
      "taken: salvor restore --undo {} --confirm {} restores it from the repository",
      over, outcome.plan.run, outcome.plan.service));
}

/// What an undo, a close or an abandon has to tell: the checks were told when the run was carried
/// out.
void show_taken_back(Output& output, const RunOutcome& outcome) {
  std::string undone;
  for (auto step = outcome.steps.rbegin(); step != outcome.steps.rend(); ++step) {
    if (step->result == control::StepResult::undone)
      undone += (undone.empty() ? "" : ", ") + name_of(step->id);
  }
  // Do not list them for a close of a run that was undone before.
  const bool is_now = outcome.acted && outcome.state == RunState::undone && outcome.removed.empty();
  if (is_now && !undone.empty()) output.line("undone: " + undone);
  for (const std::string& path : outcome.removed) output.line("removed: " + printable(path));
}

/// Whether a run was refused before it did anything, so that nothing had to be undone.
bool did_nothing(const RunOutcome& outcome) {
  return outcome.state == RunState::failed && !outcome.acted && control::is_over(outcome);
}

/// "has failed", "is undone": the state of a run as a predicate.
std::string predicate_of(RunState state) {
  const bool ended = state == RunState::succeeded || state == RunState::failed;
  return fmt::format("{} {}", ended ? "has" : "is", name_of(state));
}

/// `steps_told`: each was said when it began.
void show(Output& output, const control::InPlaceReport& report, bool steps_told) {
  const RunOutcome& outcome = report.outcome;
  if (did_nothing(outcome)) {
    output.line(
        fmt::format("run {} was refused, or has undone its own steps: nothing is left of it, and "
                    "there is nothing to undo",
                    outcome.plan.run));
    return;
  }
  if (control::is_over(outcome) && outcome.state != RunState::failed) {
    show_taken_back(output, outcome);
  } else {
    if (!steps_told) show_steps(output, outcome);
    show_checks(output, outcome);
  }
  output.line(fmt::format(
      "run {} {}{}: service {}, recovery point {} of {}, {}", outcome.plan.run,
      predicate_of(outcome.state), outcome.acted ? "" : " already, and nothing was done now",
      outcome.plan.service, outcome.plan.point_text(), local_time(outcome.plan.point_time),
      human_duration(outcome.call_seconds)));
  if (outcome.state == RunState::succeeded) show_kept(output, outcome);
  for (const std::string& line : outcome.left) output.line("left: " + printable(line));
  for (const std::string& path : outcome.kept) {
    output.line("kept: " + printable(path) +
                " (the restored data, and what was written since); salvor restore --close " +
                outcome.plan.run + " --confirm " + outcome.plan.service + " removes it");
  }
}

/// How a run ended: the document, the words, and the exit status.
int report_end(Invocation& invocation, const control::InPlaceReport& report, bool steps_told) {
  invocation.end_progress();
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(report));
  } else if (!invocation.quiet()) {
    show(output, report, steps_told);
  }
  for (const std::string& note : report.notes) {
    tell_line(fmt::format("salvor: warning: {}", note));
  }
  const RunOutcome& outcome = report.outcome;
  const auto problem = report.problem();
  if (!problem) return 0;
  tell(*problem);
  if (outcome.state == RunState::failed || outcome.state == RunState::interrupted) {
    if (!control::is_over(outcome)) {
      tell_line("hint: " + way_on_of(outcome));
    } else {
      tell_line(
          "hint: correct the cause, and run the command again: nothing was changed, or every "
          "change is undone");
    }
  }
  return exit_status(problem->code());
}

bool can_ask(const Invocation& invocation) {
  return !invocation.json() && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

/// A line from the terminal.   Errors: cancelled.
std::string read_name(Invocation& invocation, const std::string& what) {
  invocation.hold_progress(true);
  const std::shared_ptr<void> release(nullptr, [&](void*) { invocation.hold_progress(false); });
  invocation.output().flush();
  tell("\nType the name of the service to " + what + ": ");
  // Do not block in a read: an interrupt is an answer, too.
  constexpr int kPollMs = 100;
  const std::stop_token stop = invocation.stop();
  while (!stop.stop_requested()) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, kPollMs) <= 0) continue;
    std::string name;
    std::getline(std::cin, name);
    return name;
  }
  throw Error(ErrorCode::cancelled, "nothing was done");
}

/// Asks for the service's name on the terminal. Empty: there is no terminal.
std::string ask_for_name(Invocation& invocation, const InPlaceOptions& options) {
  if (!can_ask(invocation)) return {};
  show(invocation.output(),
       control::plan_restore(invocation.load_config(), options.request, invocation.caller()));
  return read_name(invocation, "restore it in place");
}

}  // namespace

std::string way_on_of(const RunOutcome& outcome) {
  return fmt::format(
      "resume the run: salvor restore --resume {0}; or undo it: salvor restore --undo {0} "
      "--confirm {1}; where a command of the configuration was wrong, correct it, and resume with "
      "it: salvor restore --resume {0} --current-commands; where neither can be done, abandon it: "
      "salvor restore --abandon {0} "
      "--confirm {1}; until then the service stays as the last step left it{2}",
      outcome.plan.run, outcome.plan.service,
      control::holds_writes(outcome) ? ", and its writes stay locked" : "");
}

std::string result_of(const RunOutcome& outcome, const control::StepOutcome& step) {
  const bool goes_on = outcome.state == RunState::running || outcome.state == RunState::interrupted;
  const bool is_over = step.result == control::StepResult::planned && !goes_on;
  return in_words(name_of(is_over ? control::StepResult::not_run : step.result));
}

void show_steps(Output& output, const RunOutcome& outcome) {
  Table table({"STEP", "RESULT", ">TIME"});
  for (const control::StepOutcome& step : outcome.steps) {
    table.row({name_of(step.id), result_of(outcome, step),
               step.seconds > 0 ? human_duration(step.seconds) : "-"});
  }
  output.table(table);
}

void show_first_lines(Output& output, const std::string& run, const CheckOutcome& check) {
  constexpr int kLines = 5;
  std::istringstream lines(check.output);
  std::string line;
  for (int i = 0; i < kLines && std::getline(lines, line); ++i) {
    output.line("    " + printable(line));
  }
  if (std::getline(lines, line)) {
    output.line(fmt::format("    … (salvor --json runs show {} has all of it)", run));
  }
}

void show_checks(Output& output, const RunOutcome& outcome) {
  for (const CheckOutcome& check : outcome.checks) show_check(output, outcome.plan.run, check);
  if (outcome.checks.empty()) return;
  output.line(control::in_words(control::count_checks(outcome.checks)));
}

int show_plan(Invocation& invocation, const InPlaceOptions& options) {
  const RestorePlanReport report =
      control::plan_restore(invocation.load_config(), options.request, invocation.caller());
  invocation.end_progress();
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(report));
  } else {
    show(output, report);
  }
  if (!report.refusal) return 0;
  tell(*report.refusal);
  return exit_status(report.refusal->code());
}

int restore_in_place(Invocation& invocation, const InPlaceOptions& options) {
  const control::Config config = invocation.load_config();
  control::InPlaceRequest request;
  request.plan = options.request;
  request.confirm = options.confirm;
  if (request.confirm.empty() && !options.detach) {
    request.confirm = ask_for_name(invocation, options);
  }
  const auto carry_out = [&](const BeginsRun& begins) {
    request.on_begin = begins;
    invocation.say_steps();
    const auto report = control::restore_in_place(config, request, invocation.caller());
    return report_end(invocation, report, invocation.says());
  };
  return options.detach ? detached(invocation, config, carry_out) : carry_out({});
}

int continue_in_place(Invocation& invocation, const ContinueOptions& options) {
  const control::Config config = invocation.load_config();
  const auto carry_out = [&](const BeginsRun& begins) {
    control::ContinueRequest with_begin = options.request;
    with_begin.on_begin = begins;
    if (!options.detach && can_ask(invocation)) {
      with_begin.ask = [&](const control::ContinuePreview& preview) {
        invocation.hold_progress(true);
        for (const std::string& line : preview.lines) invocation.output().line(line);
        return read_name(invocation, preview.verb + " run " + preview.run);
      };
    }
    invocation.say_steps();
    const auto report = options.verb(config, with_begin, invocation.caller());
    return report_end(invocation, report, invocation.says());
  };
  return options.detach ? detached(invocation, config, carry_out) : carry_out({});
}

}  // namespace salvor::cli
