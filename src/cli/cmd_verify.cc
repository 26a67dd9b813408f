#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/report_json.h"

namespace salvor::cli {
namespace {

constexpr std::size_t kAffectedShownMax = 100;

void show_findings(Output& output, const repo::CheckReport& check) {
  for (const repo::Finding& finding : check.findings) {
    const bool damage = finding.severity == repo::Finding::Severity::damage;
    output.line(fmt::format("{}: {}: {}", damage ? "damage" : "note", printable(finding.object),
                            printable(finding.what)));
  }
  std::size_t shown = 0;
  for (const repo::Affected& affected : check.affected) {
    if (++shown > kAffectedShownMax) {
      output.line(fmt::format("affected: {} more; --json lists all",
                              check.affected.size() - kAffectedShownMax));
      break;
    }
    output.line(fmt::format("affected: point {}, service {}, store {}: {}{}", affected.point.hex(),
                            printable(affected.service), printable(affected.store),
                            printable(stores::path_of_key(affected.key)),
                            affected.and_more ? " and the paths after it" : ""));
  }
}

void show_accepted(Output& output, const control::VerifyReport& report) {
  if (report.is_older) {
    output.line(fmt::format(
        "this is an older copy than this machine has seen: put the newer one in its place again; "
        "where it is lost: salvor verify --accept-older-repository {}",
        report.repository));
  }
  if (!report.accepted) return;
  const control::OlderCopy& older = *report.accepted;
  output.line(older.what + "; this machine goes by it from now on");
  for (const std::string& line : older.lost) output.line("lost: " + line);
  for (const std::string& run : older.resumed) {
    output.line("written back from this machine's catalog: restore " + run);
  }
}

void show(Output& output, const control::VerifyReport& report, bool quiet) {
  const repo::CheckReport& check = report.check;
  for (const std::string& line : report.repaired) {
    output.line(fmt::format("repaired: {}", printable(line)));
  }
  show_accepted(output, report);
  show_findings(output, check);
  if (quiet && check.sound()) return;
  output.line(fmt::format("repository {}", report.repository));
  output.line(fmt::format(
      "{}: {} points, {} snapshots, {} packs with {} of {}, {} log entries, in {}",
      printable(report.location), check.points, check.snapshots, with_commas(check.packs),
      human_bytes(check.pack_bytes), check.data ? "data, all of it read" : "data, not read",
      check.log_entries, human_duration(report.duration_s)));
  output.line(check.sound() ? "sound" : "DAMAGED");
}

int verify(Invocation& invocation, const control::VerifyRequest& request) {
  const control::VerifyReport report = control::verify(
      invocation.load_config(control::Looks::at_repository), request, invocation.caller());
  invocation.end_progress();
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(report));
  } else {
    if (!request.accept_older.empty() && !report.accepted) {
      output.line(
          "there is nothing to accept: the repository is not older than this machine has "
          "seen it");
    }
    show(output, report, invocation.quiet());
  }
  return report.check.sound() ? 0 : exit_status(ErrorCode::corruption);
}

}  // namespace

void add_verify(Command root) {
  const auto request = std::make_shared<control::VerifyRequest>();
  root.add("verify",
           "Check that the repository is complete and undamaged; exit status 5 when it is not",
           "salvor verify --data")
      .also("check")
      .flag("--data", request->data, "read and check every byte")
      .flag("--repair", request->repair,
            "repair what can be repaired from the remaining objects; then check")
      .option("--accept-older-repository", "ID", request->accept_older,
              "use this copy of the repository from now on, although this machine has seen a newer "
              "one")
      .action([request](Invocation& invocation) { return verify(invocation, *request); });
}

}  // namespace salvor::cli
