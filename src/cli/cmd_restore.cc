#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/report_json.h"

namespace salvor::cli {
namespace {

void show(Output& output, const control::RestoreReport& report) {
  output.line(fmt::format("service {}: recovery point {} of {}, restored in {}",
                          printable(report.point.service), report.point.id.hex(),
                          local_time(report.point.time), human_duration(report.duration_s)));
  Table table({"STORE", "TYPE", ">ENTRIES", ">SIZE", ">WRITTEN", ">TIME", "TO"});
  for (const control::RestoredStore& store : report.stores) {
    table.row({store.name, store.type, with_commas(store.result.entries),
               human_bytes(store.result.bytes), human_bytes(store.result.bytes_written),
               human_duration(store.duration_s), printable(store.path)});
  }
  output.write(table.text());
}

/// On stderr, whatever the output: what differs from what was backed up, and what was in the way.
void warn(const control::RestoredStore& store) {
  const stores::SinkReport& report = store.result.sink;
  for (const std::string& warning : report.warnings) {
    fmt::print(stderr, "salvor: warning: store {}: {}\n", store.name, printable(warning));
  }
  if (report.moved_aside > 0) {
    fmt::print(stderr, "salvor: warning: store {}: {} things were in the way, and are now in {}\n",
               store.name, report.moved_aside, printable(report.moved_aside_to));
  }
}

int restore(Invocation& invocation, const control::RestoreRequest& request) {
  if (request.into.empty()) {
    throw Error(ErrorCode::usage, "restoring in place is not supported by this version",
                "restore beside with --into DIR, and then move the data into place");
  }
  const control::RestoreReport report =
      control::restore_into(invocation.load_config(), request, invocation.caller());
  invocation.end_progress();
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(report));
  } else if (!invocation.quiet()) {
    show(output, report);
  }
  for (const control::RestoredStore& store : report.stores) warn(store);
  return 0;
}

}  // namespace

void add_restore(Command root) {
  const auto request = std::make_shared<control::RestoreRequest>();
  root.add("restore", "Restore a service's stores into a directory",
           "salvor restore shop --into /srv/restored --at \"2026-02-03 04:05\"")
      .required("SERVICE", request->service, "the service")
      .option("--into", "DIR", request->into, "the directory; store s goes to DIR/s")
      .option("--at", "WHEN", request->at,
              "latest (the default), a point's id, or a time: the newest point at or before it")
      .repeated("--only", "STORE", request->stores, "only this store; may be repeated")
      .flag("--delta", request->delta, "the targets may have content: write only what differs")
      .action([request](Invocation& invocation) { return restore(invocation, *request); });
}

}  // namespace salvor::cli
