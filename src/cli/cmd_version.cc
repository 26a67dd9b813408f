#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/report_json.h"

namespace salvor::cli {

int show_version(Invocation& invocation) {
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::version_json());
  } else {
    output.line(fmt::format("salvor {} (repository format {})", control::version(),
                            control::format_version()));
  }
  return 0;
}

void add_version(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("version", "Print the version");
  command->footer("Example: salvor version");
  command->callback([&action] { action = show_version; });
}

}  // namespace salvor::cli
