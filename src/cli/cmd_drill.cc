#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/in_place.h"
#include "cli/invocation.h"
#include "cli/not_covered.h"
#include "control/caller.h"
#include "control/check_config.h"
#include "control/drill.h"
#include "control/report_json.h"
#include "control/service_status.h"

namespace salvor::cli {
namespace {

/// The last line, which sums everything up.
std::string verdict_of(const control::DrillReport& report) {
  const control::RunOutcome& outcome = report.outcome;
  const std::string took =
      human_duration(outcome.failure ? outcome.call_seconds : outcome.recovery_seconds);
  if (outcome.failure) {
    return fmt::format("FAILED after {}: it is not proved that recovery point {} can be restored",
                       took, outcome.plan.point_text());
  }
  if (!report.whole) {
    return fmt::format(
        "restored and checked in {}, but without all stores: the drill proves no RTO", took);
  }
  const std::string checked = "restored and checked in " + took;
  if (!report.rto_s) return "PROVED: " + checked;
  const std::string objective = human_duration(static_cast<double>(*report.rto_s));
  return fmt::format("PROVED: {}, {} the objective of {}", checked,
                     report.rto_met.value_or(false) ? "within" : "which is SLOWER than", objective);
}

void show(Output& output, const control::DrillReport& report) {
  const control::RunOutcome& outcome = report.outcome;
  output.line(fmt::format("drill {} of service {}: recovery point {} of {}", outcome.plan.run,
                          printable(outcome.plan.service), outcome.plan.point_text(),
                          local_time(outcome.plan.point_time)));
  Table phases({"PHASE", "RESULT", ">TIME"});
  for (const control::StepOutcome& step : outcome.steps) {
    phases.row({name_of(step.id), result_of(outcome, step),
                step.seconds > 0 ? human_duration(step.seconds) : "-"});
  }
  output.table(phases);
  if (!outcome.checks.empty()) {
    output.line("");
    Table checks({"CHECK", "KIND", "VERDICT", ">TIME", "FOUND"});
    for (const control::CheckOutcome& check : outcome.checks) {
      const std::string found = check.actual.substr(0, check.actual.find('\n'));
      checks.row({printable(check.name), check.kind, in_words(name_of(check.verdict)),
                  human_duration(check.seconds), printable(found)});
    }
    output.table(checks);
  }
  output.line("");
  for (const control::CheckOutcome& check : outcome.checks) {
    if (check.good()) continue;
    output.line(fmt::format("failed: {}: expected {}, found {}", printable(check.name),
                            printable(check.expected), printable(check.actual)));
    show_first_lines(output, outcome.plan.run, check);
  }
  for (const std::string& line : summarised(report.not_covered))
    output.line("not covered: " + line);
  if (!outcome.checks.empty()) {
    output.line(control::in_words(control::count_checks(outcome.checks)));
  }
  output.line(verdict_of(report));
}

int drill(Invocation& invocation, const control::DrillRequest& request) {
  const control::DrillReport report =
      control::drill(invocation.load_config(), request, invocation.caller());
  invocation.end_progress();
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(report));
  } else if (!invocation.quiet() || report.outcome.failure) {
    show(output, report);
  }
  if (!report.outcome.failure) return 0;
  const Error& failure = *report.outcome.failure;
  tell(failure);
  return exit_status(failure.code());
}

}  // namespace

void add_drill(Verb root) {
  const auto request = std::make_shared<control::DrillRequest>();
  const auto run = std::make_shared<RunOptions>();
  root.add("drill", "Rehearse a restore: restore into staging, check, measure, remove",
           "salvor drill shop")
      .required("SERVICE", request->service, "the service")
      .option(
          "--at", "WHEN", request->at,
          "latest (the default), a point's id, or a time (the newest point at or before that time)")
      .run_options(*run)
      .action([request, run](Invocation& invocation) {
        invocation.prepare_run(*run);
        return drill(invocation, *request);
      });
}

}  // namespace salvor::cli
