#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/init.h"
#include "control/report_json.h"

namespace salvor::cli {
namespace {

int init(Invocation& invocation, const control::InitRequest& request) {
  const control::InitReport report =
      control::init(invocation.load_config(), request, invocation.caller());
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(report));
  } else if (!invocation.quiet()) {
    output.line(
        fmt::format("created repository {} at {}", report.repository, printable(report.location)));
    if (!report.new_key_file.empty()) {
      output.line(fmt::format("made the key file {}", printable(report.new_key_file)));
    }
    output.line(
        "keep a copy of the passphrase or key file away from this machine: without one nobody can "
        "ever read a backup");
  }
  return 0;
}

}  // namespace

void add_init(Verb root) {
  const auto request = std::make_shared<control::InitRequest>();
  root.add("init", "Create the repository", "salvor init")
      .flag("--replace-known", request->replace_known,
            "create it although this host's catalog knows a repository at this URL, which is gone "
            "for good")
      .action([request](Invocation& invocation) { return init(invocation, *request); });
}

}  // namespace salvor::cli
