#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/caller.h"
#include "control/diff_points.h"
#include "control/report_json.h"

namespace salvor::cli {
namespace {

struct DiffChoices {
  std::string before;
  std::string after;
  std::string service;
};

char sign_of(control::Change change) {
  switch (change) {
    case control::Change::added:
      return '+';
    case control::Change::removed:
      return '-';
    case control::Change::modified:
      return 'M';
    case control::Change::metadata:
      return 'm';
  }
  return '?';
}

std::string line_of(const control::DiffEntry& entry) {
  const std::string path = printable(control::path_of_key(entry.key));
  std::string line =
      fmt::format("{} {}: {}", sign_of(entry.change), entry.store, path.empty() ? "." : path);
  if (entry.change == control::Change::modified) {
    line += fmt::format(" ({} -> {} bytes)", entry.size_before, entry.size_after);
  }
  return line;
}

int diff(Invocation& invocation, const DiffChoices& request) {
  const control::Config config = invocation.load_config(control::Looks::at_repository);
  List entries(invocation.output(), "entries");
  control::diff_points(config, request.before, request.after, request.service, invocation.caller(),
                       [&](const control::DiffEntry& entry) {
                         entries.add([&] { return control::to_json(entry); },
                                     [&] { return line_of(entry); });
                       });
  entries.end();
  return 0;
}

}  // namespace

void add_diff(Verb root) {
  const auto request = std::make_shared<DiffChoices>();
  root.add("diff",
           "Show what differs between two recovery points: + added, - removed, M content differs, "
           "m only metadata differs",
           "salvor diff 3f2a latest")
      .required("BEFORE", request->before, "latest, an id, or its beginning")
      .required("AFTER", request->after, "the other point: latest, an id, or its beginning")
      .option("--service", "SERVICE", request->service, "the service whose point `latest` means")
      .action([request](Invocation& invocation) { return diff(invocation, *request); });
}

}  // namespace salvor::cli
