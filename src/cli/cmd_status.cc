#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/report_json.h"

namespace salvor::cli {
namespace {

std::string state_of(const control::ServiceStatus& status) {
  if (status.open_restore) return "RESTORE OPEN";
  if (!status.points_known) return "UNKNOWN";
  if (!status.newest) return "NO BACKUP";
  if (!status.rpo_met) return "TOO OLD";
  if (status.drill_failed()) return "DRILL FAILED";
  if (status.proven_rto_s && !status.rto_met) return "TOO SLOW";
  if (!status.stores_without_point.empty() || !status.uncovered.empty()) return "incomplete";
  if (status.drill_stale) return "unproven";
  return "good";
}

std::string duration_text(const std::optional<double>& seconds) {
  return seconds ? human_duration(*seconds) : "-";
}

std::string goal_text(const std::optional<std::int64_t>& seconds) {
  return seconds ? human_duration(static_cast<double>(*seconds)) : "-";
}

std::string drill_text(const control::ServiceStatus& status) {
  if (!status.last_drill) return "never";
  return fmt::format("{} {}", status.last_drill->state, local_time(status.last_drill->time));
}

/// What somebody should do something about, the most urgent first.
std::vector<std::string> details_of(const control::ServiceStatus& status) {
  std::vector<std::string> lines;
  if (status.open_restore) {
    lines.push_back(fmt::format(
        "restore {0} is open: go on with salvor restore --resume {0}, or back with --undo {0}",
        *status.open_restore));
  }
  if (status.last_backup && status.last_backup->state == catalog::RunState::failed) {
    lines.push_back("the last backup failed: " + status.last_backup->error);
  }
  if (status.drill_failed()) {
    const control::DrillSummary& drill = *status.last_drill;
    lines.push_back(fmt::format("the last drill is {}: run {}", drill.state, drill.run));
    for (const std::string& check : drill.failed_checks) {
      lines.push_back("red in the last drill: " + printable(check));
    }
  }
  if (status.proven_rto_s && !status.rto_met) {
    lines.push_back(fmt::format("a restore takes {}, and the objective is {}",
                                duration_text(status.proven_rto_s), goal_text(status.rto_s)));
  }
  if (status.drill_stale && !status.never_drilled) {
    lines.push_back(fmt::format("no drill has succeeded within the last {}",
                                human_duration(status.drill_limit_s)));
  }
  for (const std::string& gap : status.not_covered) lines.push_back("not covered: " + gap);
  for (const std::string& path : status.kept) {
    lines.push_back("kept by a restore, until it is closed: " + printable(path));
  }
  return lines;
}

void show(Output& output, const control::StatusReport& report) {
  Table table(
      {"SERVICE", "STATE", "NEWEST POINT", ">AGE", ">RPO", ">PROVEN", ">RTO", "LAST DRILL"});
  for (const control::ServiceStatus& status : report.services) {
    table.row({status.service, state_of(status), status.newest ? status.newest->id.hex() : "-",
               duration_text(status.achieved_rpo_s), goal_text(status.rpo_s),
               duration_text(status.proven_rto_s), goal_text(status.rto_s), drill_text(status)});
  }
  output.write(table.text());
  for (const control::ServiceStatus& status : report.services) {
    for (const std::string& line : details_of(status)) {
      output.line(fmt::format("{}: {}", status.service, line));
    }
  }
}

int status(Invocation& invocation, const std::string& service) {
  const control::StatusReport report =
      control::status(invocation.load_config(), service, invocation.caller());
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(report));
  } else {
    show(output, report);
  }
  if (!report.repository_failure) return 0;
  const Error& failure = *report.repository_failure;
  tell(failure);
  return exit_status(failure.code());
}

}  // namespace

void add_status(Command root) {
  const auto service = std::make_shared<std::string>();
  root.add("status", "Show how well each service is protected, the worst first", "salvor status")
      .optional("SERVICE", *service, "only this service")
      .action([service](Invocation& invocation) { return status(invocation, *service); });
}

}  // namespace salvor::cli
