#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/report_json.h"
#include "control/runbook.h"

namespace salvor::cli {
namespace {

int runbook(Invocation& invocation, const control::RunbookRequest& request) {
  const control::RunbookReport report =
      control::runbook(invocation.load_config(), request, invocation.caller());
  invocation.end_progress();
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(report));
  } else if (report.file.empty()) {
    output.write(report.markdown);
  } else if (!invocation.quiet()) {
    output.line(
        fmt::format("service {}: the runbook is in {}", report.service, printable(report.file)));
  }
  return 0;
}

}  // namespace

void add_runbook(Verb root) {
  const auto request = std::make_shared<control::RunbookRequest>();
  root.add("runbook", "Print a service's restore runbook, in Markdown", "salvor runbook shop")
      .required("SERVICE", request->service, "the service")
      .option("-o,--output", "FILE", request->file, "write the runbook to this file")
      .action([request](Invocation& invocation) { return runbook(invocation, *request); });
}

}  // namespace salvor::cli
