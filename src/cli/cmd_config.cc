#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/check_config.h"
#include "control/report_json.h"

namespace salvor::cli {
namespace {

std::string describe_repository(const control::ConfigCheckReport& report) {
  if (!report.repository_problem.empty()) return report.repository_problem;
  return report.repository_absent ? "not there yet: create it with `salvor init`" : "good";
}

int check(Invocation& invocation) {
  const control::ConfigCheckReport report =
      control::check_config(invocation.load_config(), invocation.caller());
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(report));
  } else if (!invocation.quiet() || !report.good() || !report.warnings.empty()) {
    output.line(fmt::format("configuration  {}: valid", printable(report.file)));
    output.line(fmt::format("repository     {}: {}", printable(report.location),
                            describe_repository(report)));
    output.line(fmt::format("host           {}", printable(report.host)));
    Table table({"SERVICE", "STORE", "TYPE", "PATH", "STATE"});
    for (const control::StoreReachability& store : report.stores) {
      table.row({store.service, store.store, store.type, printable(store.path),
                 store.problem.empty() ? "good" : store.problem});
    }
    output.table(table);
    for (const std::string& note : report.notes) output.line("note: " + note);
    for (const std::string& line : report.warnings) output.line("warning: " + printable(line));
  }
  if (report.good()) return 0;
  return exit_status(report.unreachable ? ErrorCode::unreachable : ErrorCode::configuration);
}

}  // namespace

void add_config(Verb root) {
  Verb config = root.add("config", "Check the configuration", "salvor config check");
  config
      .add("check", "Validate the configuration, and that each store can be reached",
           "salvor -c /etc/salvor/salvor.toml config check")
      .action(check);
}

}  // namespace salvor::cli
