#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/report_json.h"
#include "control/version.h"

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

void add_version(Verb root) {
  root.add("version", "Print the version", "salvor version").action(show_version);
}

}  // namespace salvor::cli
