#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/invocation.h"
#include "control/caller.h"
#include "control/points.h"
#include "control/report_json.h"

namespace salvor::cli {
namespace {

std::string notes_of(const control::Point& point, std::size_t missing, bool drill_failed) {
  std::vector<std::string> notes;
  if (point.is_safety_snapshot()) {
    const auto run = point.facts.find("run");
    notes.push_back("safety snapshot" +
                    (run == point.facts.end() ? "" : " of run " + printable(run->second)));
  }
  if (point.is_partial()) notes.push_back("partial");
  if (point.is_suspect()) notes.push_back("suspect");
  if (point.accepted) notes.push_back("accepted");
  if (drill_failed) notes.emplace_back("drill failed");
  if (missing != 0) notes.push_back(fmt::format("{} missing", missing));
  return fmt::format("{}", fmt::join(notes, ", "));
}

void show(Output& output, const control::PointsReport& report) {
  if (report.points.empty()) {
    output.line("no recovery points yet: take one with `salvor backup`");
    return;
  }
  Table table(
      {"#POINT", "SERVICE", "TIME", "HOST", "STORES", ">ENTRIES", ">SIZE", ">STORED", "NOTES"});
  for (const control::Point& point : report.points) {
    std::vector<std::string> names;
    std::uint64_t entries = 0;
    std::uint64_t size = 0;
    std::uint64_t stored = 0;
    std::size_t missing = 0;
    for (const control::Snapshot& snapshot : point.snapshots) {
      names.push_back(snapshot.store);
      entries += snapshot.entries;
      size += snapshot.content_bytes;
      stored += snapshot.bytes_stored;
      missing += snapshot.missing.size() + snapshot.missing_more;
    }
    table.row({point.id.hex(), printable(point.service), local_time(point.time),
               point.host().empty() ? "-" : printable(point.host()),
               fmt::format("{}", fmt::join(names, ", ")), with_commas(entries), human_bytes(size),
               human_bytes(stored),
               notes_of(point, missing, report.failed_drills.contains(point.id))});
  }
  output.table(table);
}

/// Lists the paths that a point lacks. People look for them here, and nowhere else.
void show_missing(Output& output, const control::PointsReport& report) {
  for (const control::Point& point : report.points) {
    for (const control::Snapshot& snapshot : point.snapshots) {
      for (const control::Missing& missing : snapshot.missing) {
        output.line(fmt::format("missing in {} {}: {}: {}", point.id.hex(), snapshot.store,
                                printable(control::path_of_key(missing.key)), missing.reason));
      }
      if (snapshot.missing_more != 0) {
        output.line(fmt::format("missing in {} {}: {} more", point.id.hex(), snapshot.store,
                                with_commas(snapshot.missing_more)));
      }
    }
  }
}

/// Why a point may hold ruins, store by store.
void show_suspicions(Output& output, const control::PointsReport& report) {
  for (const control::Point& point : report.points) {
    for (const control::Snapshot& snapshot : point.snapshots) {
      for (const std::string& why : snapshot.suspicions) {
        output.line(fmt::format("{} {} {}: {}", point.accepted ? "accepted" : "suspect",
                                point.id.hex(), snapshot.store, printable(why)));
      }
      for (const std::string& remark : snapshot.remarks) {
        output.line(
            fmt::format("remark {} {}: {}", point.id.hex(), snapshot.store, printable(remark)));
      }
    }
  }
}

int accept(Invocation& invocation, const std::string& point) {
  const control::AcceptReport report = control::accept_point(
      invocation.load_config(control::Looks::at_repository), point, invocation.caller());
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(report));
  } else if (!invocation.quiet()) {
    output.line(fmt::format("recovery point {} of service {} {}", report.point.id.hex(),
                            printable(report.point.service),
                            report.was_suspect ? "is accepted: it is good now" : "is not suspect"));
  }
  return 0;
}

int points(Invocation& invocation, const std::string& service) {
  const control::PointsReport report = control::list_points(
      invocation.load_config(control::Looks::at_repository), service, invocation.caller());
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(report));
  } else {
    show(output, report);
    show_missing(output, report);
    show_suspicions(output, report);
  }
  return 0;
}

}  // namespace

void add_points(Verb root) {
  struct Options {
    std::string service;
    std::string accept;
  };
  const auto options = std::make_shared<Options>();
  root.add("points", "List recovery points, the newest last", "salvor points shop")
      .also("snapshots")
      .optional("SERVICE", options->service, "only this service")
      .option("--accept", "POINT", options->accept, "make this suspect point good")
      .action([options](Invocation& invocation) {
        if (options->accept.empty()) return points(invocation, options->service);
        if (!options->service.empty()) {
          throw Error(ErrorCode::usage, "--accept takes a point, and no service",
                      "write `salvor points --accept POINT`");
        }
        return accept(invocation, options->accept);
      });
}

}  // namespace salvor::cli
