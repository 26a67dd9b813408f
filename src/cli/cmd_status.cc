#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "cli/not_covered.h"
#include "control/check_config.h"
#include "control/report_json.h"
#include "control/service_status.h"

namespace salvor::cli {
namespace {

std::string word_of(const control::ServiceStatus& status) {
  return status.reasons.empty() ? "good" : status.reasons.front().word;
}

std::string duration_text(const std::optional<double>& seconds) {
  return seconds ? human_duration(*seconds) : "-";
}

std::string goal_text(const std::optional<std::int64_t>& seconds) {
  return seconds ? human_duration(static_cast<double>(*seconds)) : "-";
}

std::string drill_text(const control::ServiceStatus& status) {
  if (!status.last_drill) return "never";
  return fmt::format("{} {}", name_of(status.last_drill->state),
                     local_time(status.last_drill->time));
}

/// What needs somebody's action, the most urgent first.
std::vector<std::string> details_of(const control::ServiceStatus& status) {
  std::vector<std::string> lines;
  for (const control::Reason& reason : status.reasons) lines.push_back(reason.text);
  std::vector<std::string> gaps;
  for (const std::string& gap : status.not_covered) {
    const bool is_reason = std::find(lines.begin(), lines.end(), gap) != lines.end();
    if (!is_reason) gaps.push_back(gap);
  }
  for (const std::string& gap : summarised(gaps)) lines.push_back("not covered: " + gap);
  lines.insert(lines.end(), status.kept_notes.begin(), status.kept_notes.end());
  return lines;
}

void show(Output& output, const control::StatusReport& report) {
  Table table(
      {"SERVICE", "STATE", "#NEWEST POINT", ">AGE", ">RPO", ">PROVEN", ">RTO", "LAST DRILL"});
  for (const control::ServiceStatus& status : report.services) {
    table.row({status.service, word_of(status), status.newest ? status.newest->id.hex() : "-",
               duration_text(status.achieved_rpo_s), goal_text(status.rpo_s),
               duration_text(status.proven_rto_s), goal_text(status.rto_s), drill_text(status)});
  }
  output.table(table);
  for (const control::ServiceStatus& status : report.services) {
    for (const std::string& line : details_of(status)) {
      output.line(fmt::format("{}: {}", status.service, line));
    }
  }
  for (const std::string& line : report.warnings) output.line("warning: " + line);
}

int status(Invocation& invocation, const std::string& service, bool check) {
  const control::StatusReport report =
      control::status(invocation.load_config(), service, invocation.caller());
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(report));
  } else {
    show(output, report);
  }
  if (!report.repository_failure) {
    return check && !report.good() ? exit_status(ErrorCode::checks_failed) : 0;
  }
  const Error& failure = *report.repository_failure;
  tell(failure);
  return exit_status(failure.code());
}

}  // namespace

void add_status(Verb root) {
  struct Options {
    std::string service;
    bool check = false;
  };
  const auto options = std::make_shared<Options>();
  root.add("status", "Show how well each service is protected, the worst first", "salvor status")
      .optional("SERVICE", options->service, "only this service")
      .flag("--check", options->check, "exit with 9 unless all are good")
      .action([options](Invocation& invocation) {
        return status(invocation, options->service, options->check);
      });
}

}  // namespace salvor::cli
