#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/report_json.h"

namespace salvor::cli {
namespace {

std::string state_of(const control::ServiceStatus& status) {
  if (!status.newest) return "NO BACKUP";
  if (!status.rpo_met) return "TOO OLD";
  if (!status.stores_without_point.empty() || !status.uncovered.empty()) return "incomplete";
  return "good";
}

std::string age_of(const control::ServiceStatus& status) {
  return status.achieved_rpo_s ? human_duration(*status.achieved_rpo_s) : "-";
}

std::string goal_text(const std::optional<std::int64_t>& seconds) {
  return seconds ? human_duration(static_cast<double>(*seconds)) : "-";
}

std::string last_run_text(const std::optional<catalog::RunRow>& run) {
  if (!run) return "-";
  return fmt::format("{} {}", name_of(run->state), local_time(run->started));
}

void show_details(Output& output, const control::ServiceStatus& status) {
  for (const std::string& store : status.stores_without_point) {
    output.line(
        fmt::format("{}: store {} is not in the newest recovery point", status.service, store));
  }
  for (const control::UncoveredPath& path : status.uncovered) {
    output.line(fmt::format("{}: in no store: {}{}", status.service, printable(path.path),
                            path.sqlite ? " (a SQLite database)" : ""));
  }
  if (status.last_backup && status.last_backup->state == catalog::RunState::failed) {
    output.line(
        fmt::format("{}: the last backup failed: {}", status.service, status.last_backup->error));
  }
}

void show(Output& output, const control::StatusReport& report) {
  Table table({"SERVICE", "STATE", "NEWEST POINT", ">AGE", ">RPO", "LAST BACKUP", "LAST RESTORE"});
  for (const control::ServiceStatus& status : report.services) {
    table.row({status.service, state_of(status), status.newest ? status.newest->id.hex() : "-",
               age_of(status), goal_text(status.rpo_s), last_run_text(status.last_backup),
               last_run_text(status.last_restore)});
  }
  output.write(table.text());
  for (const control::ServiceStatus& status : report.services) show_details(output, status);
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
  fmt::print(stderr, "salvor: error: {}\n", failure.message());
  if (!failure.hint().empty()) fmt::print(stderr, "hint: {}\n", failure.hint());
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
