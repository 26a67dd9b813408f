#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/counted.h"
#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/caller.h"
#include "control/read_evidence.h"
#include "control/report_json.h"
#include "control/verify.h"

namespace salvor::cli {
namespace {

/// The most findings, points and paths that are listed, each.
constexpr std::size_t kShownMax = 20;

/// Under a list that was cut: how many more there are, and the command that lists them.
void show_rest(Output& output, std::size_t count, const std::string& what,
               const control::VerifyReport& report) {
  if (count <= kShownMax) return;
  output.line(fmt::format("and {} more {}: salvor --json runs show {} lists all of them",
                          with_commas(count - kShownMax), what, report.run));
}

void show_findings(Output& output, const control::VerifyReport& report) {
  using Severity = control::Finding::Severity;
  const auto& findings = report.check.findings;
  for (const Severity severity : {Severity::damage, Severity::note}) {
    std::size_t count = 0;
    const std::string word = severity == Severity::damage ? "damage" : "note";
    for (const control::Finding& finding : findings) {
      if (finding.severity != severity || ++count > kShownMax) continue;
      output.line(
          fmt::format("{}: {}: {}", word, printable(finding.object), printable(finding.what)));
    }
    show_rest(output, count, word == "note" ? "notes" : "damaged objects", report);
  }
}

/// One line for a point, with what people want to know first before a restore.
void show_affected_points(Output& output, const control::VerifyReport& report) {
  struct AffectedPoint {
    std::string service;
    std::map<std::string, std::size_t> paths;  ///< by store
    bool and_more = false;
  };
  std::map<std::string, AffectedPoint> points;
  std::vector<std::string> order;
  for (const control::Affected& affected : report.check.affected) {
    const auto [found, is_new] = points.try_emplace(affected.point.hex());
    if (is_new) order.push_back(found->first);
    found->second.service = affected.service;
    found->second.and_more = found->second.and_more || affected.and_more;
    ++found->second.paths[affected.store];
  }
  for (std::size_t i = 0; i < std::min(order.size(), kShownMax); ++i) {
    const AffectedPoint& point = points[order[i]];
    std::string stores;
    for (const auto& [store, count] : point.paths) {
      stores += fmt::format("{}{} path{} of store {}", stores.empty() ? "" : ", ",
                            with_commas(count), count == 1 ? "" : "s", printable(store));
    }
    output.line(fmt::format("affected: recovery point {} of service {}: {}{}", order[i],
                            printable(point.service), point.and_more ? "at least " : "", stores));
  }
  show_rest(output, order.size(), "points", report);
}

void show_affected(Output& output, const control::VerifyReport& report) {
  show_affected_points(output, report);
  const auto& all = report.check.affected;
  for (std::size_t i = 0; i < std::min(all.size(), kShownMax); ++i) {
    output.line(fmt::format("  {} {}: {}{}", all[i].point.hex(), printable(all[i].store),
                            printable(control::path_of_key(all[i].key)),
                            all[i].and_more ? " and the paths after it" : ""));
  }
  show_rest(output, all.size(), "paths", report);
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
  for (const std::string& line : older.refused) {
    output.line("not accepted yet, and to be accepted again: " + line);
  }
}

void show(Output& output, const control::VerifyReport& report, bool quiet) {
  const control::CheckReport& check = report.check;
  for (const std::string& line : report.repaired) {
    output.line(fmt::format("repaired: {}", printable(line)));
  }
  show_accepted(output, report);
  show_findings(output, report);
  show_affected(output, report);
  if (quiet && check.sound()) return;
  output.line(fmt::format("repository {}", report.repository));
  output.line(fmt::format(
      "{}: {}, {}, {} {} with {} of {}, {}, in {}", printable(report.location),
      counted(check.points, "point"), counted(check.snapshots, "snapshot"),
      with_commas(check.packs), noun(check.packs, "pack"), human_bytes(check.pack_bytes),
      check.data ? "data, all of it read" : "data, not read",
      counted(check.log_entries, "log entry", "log entries"), human_duration(report.duration_s)));
  if (!check.sound()) {
    output.line("DAMAGED");
  } else if (check.data) {
    output.line("sound");
  } else {
    output.line("sound, as far as it was looked at: no data was read (salvor verify --data does)");
  }
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
  const auto damage = report.damage();
  if (!damage) return 0;
  tell(*damage);
  return exit_status(damage->code());
}

}  // namespace

void add_verify(Verb root) {
  const auto request = std::make_shared<control::VerifyRequest>();
  const auto run = std::make_shared<RunOptions>();
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
      .run_options(*run)
      .action([request, run](Invocation& invocation) {
        invocation.prepare_run(*run);
        return verify(invocation, *request);
      });
}

}  // namespace salvor::cli
