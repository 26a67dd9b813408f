#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/in_place.h"
#include "cli/invocation.h"
#include "control/report_json.h"

namespace salvor::cli {
namespace {

/// Everything that `restore` can be told; which of it makes sense follows from the first four.
struct RestoreChoices {
  control::RestoreRequest beside;
  InPlaceOptions in_place;
  std::string resume;
  std::string undo;
  std::string close;
  bool takeover = false;
};

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
    tell(fmt::format("salvor: warning: store {}: {}\n", store.name, printable(warning)));
  }
  if (report.moved_aside > 0) {
    tell(fmt::format("salvor: warning: store {}: {} things were in the way, and are now in {}\n",
                     store.name, report.moved_aside, printable(report.moved_aside_to)));
  }
}

int restore_beside(Invocation& invocation, const control::RestoreRequest& request) {
  const control::RestoreReport report =
      control::restore_into(invocation.load_config(), request, invocation.caller());
  invocation.end_progress();
  Output& output = invocation.output();
  if (output.json()) {
    output.document(control::to_json(report));
  } else if (!invocation.quiet()) {
    show(output, report);
  }
  for (const std::string& note : report.notes) {
    tell(fmt::format("salvor: warning: {}\n", note));
  }
  for (const control::RestoredStore& store : report.stores) warn(store);
  return 0;
}

[[noreturn]] void throw_usage(const std::string& message) {
  throw Error(ErrorCode::usage, message, "salvor restore --help");
}

/// Whether something is asked for that a new restore in place alone can do.
bool asks_in_place(const InPlaceOptions& options) {
  return options.plan || !options.confirm.empty() || options.delta ||
         options.without_safety_snapshot || !options.request.unsaved.empty() ||
         options.request.compare_content;
}

/// One run is gone on with, and nothing else is asked for.
void require_only_a_run(const RestoreChoices& request) {
  const int runs = (request.resume.empty() ? 0 : 1) + (request.undo.empty() ? 0 : 1) +
                   (request.close.empty() ? 0 : 1);
  if (runs > 1) throw_usage("--resume, --undo and --close exclude each other");
  const control::RestoreRequest& beside = request.beside;
  const bool more = !beside.service.empty() || !beside.into.empty() || !beside.stores.empty() ||
                    beside.at != control::RestoreRequest{}.at || beside.delta;
  if (more || asks_in_place(request.in_place)) {
    throw_usage("--resume, --undo and --close take a run, and nothing else: it goes by its plan");
  }
}

int go_on(Invocation& invocation, const RestoreChoices& request) {
  require_only_a_run(request);
  control::ContinueRequest to;
  to.takeover = request.takeover;
  if (!request.resume.empty()) {
    to.run = request.resume;
    return continue_in_place(invocation, to, request.in_place.detach, control::resume_restore);
  }
  if (!request.undo.empty()) {
    to.run = request.undo;
    return continue_in_place(invocation, to, false, control::undo_restore);
  }
  to.run = request.close;
  return continue_in_place(invocation, to, false, control::close_restore);
}

int restore(Invocation& invocation, const RestoreChoices& request) {
  if (!request.resume.empty() || !request.undo.empty() || !request.close.empty()) {
    return go_on(invocation, request);
  }
  if (request.beside.service.empty()) throw_usage("no service is named");
  InPlaceOptions in_place = request.in_place;
  if (!request.beside.into.empty()) {
    if (asks_in_place(in_place) || in_place.detach) {
      throw_usage("--into restores beside: it takes no option of a restore in place");
    }
    return restore_beside(invocation, request.beside);
  }
  if (request.beside.delta) {
    throw_usage("--delta is for --into; in place it is --in-place-delta");
  }
  in_place.request.service = request.beside.service;
  in_place.request.at = request.beside.at;
  in_place.request.stores = request.beside.stores;
  in_place.request.safety_snapshot = !in_place.without_safety_snapshot;
  in_place.request.in_place_delta = in_place.delta;
  return in_place.plan ? show_plan(invocation, in_place) : restore_in_place(invocation, in_place);
}

}  // namespace

void add_restore(Command root) {
  const auto request = std::make_shared<RestoreChoices>();
  InPlaceOptions& in_place = request->in_place;
  root.add("restore", "Restore a service: in place, guarded, or into a directory",
           "salvor restore shop --plan\n"
           "  salvor restore shop --confirm shop\n"
           "  salvor restore shop --into /srv/restored --at \"2026-02-03 04:05\"")
      .optional("SERVICE", request->beside.service, "the service")
      .option("--into", "DIR", request->beside.into,
              "restore beside, touching nothing live: store s goes to DIR/s")
      .option("--at", "WHEN", request->beside.at,
              "latest (the default), a point's id, or a time: the newest point at or before it")
      .repeated("--only", "STORE", request->beside.stores, "only this store; may be repeated")
      .flag("--delta", request->beside.delta,
            "with --into: the targets may have content: write only what differs")
      .flag("--plan", in_place.plan, "show what a restore in place would do, and do nothing")
      .option("--confirm", "SERVICE", in_place.confirm,
              "restore in place: the service's name once more")
      .flag("--without-safety-snapshot", in_place.without_safety_snapshot,
            "do not back up first what is there now")
      .repeated("--without-safety-snapshot-of", "STORE", in_place.request.unsaved,
                "go on though this store can't be backed up first; may be repeated")
      .flag("--compare-content", in_place.request.compare_content,
            "read and compare every live file, also those that are unchanged by size and times")
      .flag("--in-place-delta", in_place.delta,
            "write over the live data where there is no room for a second copy; undo then restores "
            "the safety snapshot")
      .flag("--detach", in_place.detach, "go on in the background; `runs show` follows it")
      .option("--resume", "RUN", request->resume, "go on with a run that was interrupted or failed")
      .option("--undo", "RUN", request->undo, "take a run back: the service as it was before")
      .option("--close", "RUN", request->close,
              "remove the old data that a run has kept; it can't be undone any more")
      .flag("--takeover", request->takeover,
            "with --resume or --undo: the other host that carried it out is certainly gone")
      .action([request](Invocation& invocation) { return restore(invocation, *request); });
}

}  // namespace salvor::cli
