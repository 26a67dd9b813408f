#include <fmt/format.h>

#include <cstdio>
#include <set>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/caller.h"
#include "control/report_json.h"
#include "control/take_backup.h"

namespace salvor::cli {
namespace {

void show(Output& output, const control::BackupReport& report) {
  const control::Point& point = report.result.point;
  output.line(fmt::format("service {}: recovery point {} of {}, taken in {}", report.service,
                          point.id.hex(), local_time(point.time),
                          human_duration(report.duration_s)));
  Table table({"STORE", "TYPE", ">ENTRIES", ">SIZE", ">READ", ">STORED", ">TIME"});
  for (const control::Snapshot& snapshot : point.snapshots) {
    table.row({snapshot.store, snapshot.type, with_commas(snapshot.entries),
               human_bytes(snapshot.content_bytes), human_bytes(snapshot.bytes_read),
               human_bytes(snapshot.bytes_stored),
               human_duration(static_cast<double>(snapshot.duration_ns) / 1e9)});
  }
  output.table(table);
  if (!point.is_partial()) return;
  output.line(
      fmt::format("partial: recovery point {} has only some of the stores of service {}: it "
                  "is not the latest, and counts for no objective",
                  point.id.hex(), report.service));
}

/// On stderr, whatever the output: the point is there, but not complete.
void warn_of_unreadable(const control::BackupReport& report) {
  for (const control::Unreadable& unreadable : report.result.unreadable) {
    tell_line(fmt::format("salvor: warning: service {}, store {}: not in the backup: {}: {}",
                          report.service, unreadable.store, printable(unreadable.path),
                          unreadable.reason));
  }
}

/// Warnings that hold for several services are printed once.
void warn(const std::vector<control::BackupReport>& reports) {
  std::set<std::string> said;
  for (const control::BackupReport& report : reports) {
    for (const std::string& line : report.warnings) {
      if (said.insert(line).second) tell_line("salvor: warning: " + line);
    }
  }
}

/// The exit status of the first failure, else of the first suspect point. All of them were printed.
int report_failures(const std::vector<control::BackupReport>& reports) {
  int status = 0;
  for (const control::BackupReport& report : reports) {
    if (!report.failure) continue;
    tell(*report.failure);
    if (status == 0) status = exit_status(report.failure->code());
  }
  for (const control::BackupReport& report : reports) {
    const auto suspicion = report.suspicion();
    if (!suspicion) continue;
    tell(*suspicion);
    if (status == 0) status = exit_status(suspicion->code());
  }
  return status;
}

int backup(Invocation& invocation, const control::BackupRequest& request) {
  const control::Config config = invocation.load_config();
  const auto reports = control::take_backup(config, request, invocation.caller());
  invocation.end_progress();
  Output& output = invocation.output();
  const bool single = !request.service.empty() || config.services.size() == 1;
  if (output.json()) {
    output.document(single ? control::to_json(reports.front()) : control::to_json(reports));
  }
  for (const control::BackupReport& report : reports) {
    if (!output.json() && !invocation.quiet() && !report.failure) show(output, report);
    warn_of_unreadable(report);
  }
  warn(reports);
  return report_failures(reports);
}

}  // namespace

void add_backup(Verb root) {
  // Shared by the parser, which fills it, and the action, which outlives this function.
  const auto request = std::make_shared<control::BackupRequest>();
  const auto run = std::make_shared<RunOptions>();
  root.add("backup", "Take a recovery point of a service", "salvor backup shop")
      .optional("SERVICE", request->service, "the service; without it, every service")
      .repeated("--store", "STORE", request->stores, "only this store; may be repeated")
      .run_options(*run)
      .action([request, run](Invocation& invocation) {
        invocation.prepare_run(*run);
        return backup(invocation, *request);
      });
}

}  // namespace salvor::cli
