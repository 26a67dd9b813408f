#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/in_place.h"
#include "cli/invocation.h"
#include "control/report_json.h"
#include "control/restore_in_place.h"
#include "control/restore_into.h"

namespace salvor::cli {
namespace {

/// Everything that `restore` can be told; which of it makes sense follows from the first four.
struct RestoreChoices {
  control::RestoreRequest beside;
  InPlaceOptions in_place;
  std::string resume;
  std::string undo;
  std::string close;
  std::string abandon;
  bool takeover = false;
  bool current_commands = false;
  RunOptions run;
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
  output.table(table);
}

/// On stderr, whatever the output: what differs from what was backed up, and what was in the way.
void warn(const control::RestoredStore& store) {
  const control::SinkReport& report = store.result.sink;
  for (const std::string& warning : report.warnings) {
    tell_line(fmt::format("salvor: warning: store {}: {}", store.name, printable(warning)));
  }
  if (report.moved_aside > 0) {
    tell_line(fmt::format(
        "salvor: warning: store {}: {} entries that do not belong there were moved to {}",
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
    tell_line(fmt::format("salvor: warning: {}", note));
  }
  for (const control::RestoredStore& store : report.stores) warn(store);
  return 0;
}

[[noreturn]] void throw_usage(const std::string& message) {
  throw Error(ErrorCode::usage, message, "see `salvor restore --help`");
}

/// Whether something is asked for that a new restore in place alone can do.
bool asks_in_place(const InPlaceOptions& options) {
  return options.plan || options.delta || options.without_safety_snapshot ||
         !options.request.unsaved.empty() || options.request.compare_content ||
         options.request.without_lock;
}

/// A verb that goes on with a run, and which run it was given.
struct RunVerb {
  const std::string& run;
  ContinueVerb verb;
  bool detaches;
};

std::vector<RunVerb> verbs_given(const RestoreChoices& request) {
  std::vector<RunVerb> given;
  for (const RunVerb& each : {RunVerb{request.resume, control::resume_restore, true},
                              RunVerb{request.undo, control::undo_restore, true},
                              RunVerb{request.close, control::close_restore, false},
                              RunVerb{request.abandon, control::abandon_restore, false}}) {
    if (!each.run.empty()) given.push_back(each);
  }
  return given;
}

/// One run is gone on with, and nothing else is asked for.
int continue_run(Invocation& invocation, const RestoreChoices& request,
                 const std::vector<RunVerb>& verbs) {
  if (verbs.size() > 1) {
    throw_usage("--resume, --undo, --close and --abandon can't be combined");
  }
  const RunVerb& verb = verbs.front();
  const control::RestoreRequest& beside = request.beside;
  const bool more = !beside.service.empty() || !beside.into.empty() || !beside.stores.empty() ||
                    beside.at != control::RestoreRequest{}.at || beside.delta;
  if (more || asks_in_place(request.in_place)) {
    throw_usage(
        "--resume, --undo, --close and --abandon take a run, and nothing else but --confirm, "
        "--current-commands and --takeover: the run follows its plan");
  }
  if (request.in_place.detach && !verb.detaches) {
    throw_usage("--detach works with a restore in place, --resume and --undo");
  }
  control::ContinueRequest to;
  to.run = verb.run;
  to.confirm = request.in_place.confirm;
  to.takeover = request.takeover;
  to.current_commands = request.current_commands;
  return continue_in_place(invocation, to, request.in_place.detach, verb.verb);
}

int restore(Invocation& invocation, const RestoreChoices& request) {
  const std::vector<RunVerb> verbs = verbs_given(request);
  if (!verbs.empty()) return continue_run(invocation, request, verbs);
  if (request.takeover || request.current_commands) {
    throw_usage(
        "--takeover and --current-commands work with --resume, --undo, --close and --abandon");
  }
  if (request.beside.service.empty()) throw_usage("no service is named");
  InPlaceOptions in_place = request.in_place;
  if (!request.beside.into.empty()) {
    if (asks_in_place(in_place) || !in_place.confirm.empty() || in_place.detach) {
      throw_usage(
          "--into restores beside the live data, and takes no option of a restore in place");
    }
    return restore_beside(invocation, request.beside);
  }
  if (request.beside.delta) {
    throw_usage("--delta works with --into; a restore in place has --in-place-delta");
  }
  in_place.request.service = request.beside.service;
  in_place.request.at = request.beside.at;
  in_place.request.stores = request.beside.stores;
  in_place.request.safety_snapshot = !in_place.without_safety_snapshot;
  in_place.request.in_place_delta = in_place.delta;
  return in_place.plan ? show_plan(invocation, in_place) : restore_in_place(invocation, in_place);
}

}  // namespace

void add_restore(Verb root) {
  const auto request = std::make_shared<RestoreChoices>();
  InPlaceOptions& in_place = request->in_place;
  root.add("restore", "Restore a service: in place, guarded, or into a directory",
           "salvor restore shop --plan\n"
           "  salvor restore shop --confirm shop\n"
           "  salvor restore shop --into /srv/restored --at \"2026-02-03 04:05\"")
      .optional("SERVICE", request->beside.service, "the service")
      .option("--into", "DIR", request->beside.into,
              "restore beside the live data, which stays untouched: store s goes to DIR/s")
      .option(
          "--at", "WHEN", request->beside.at,
          "latest (the default), a point's id, or a time (the newest point at or before that time)")
      .repeated("--only", "STORE", request->beside.stores, "only this store; may be repeated")
      .flag("--delta", request->beside.delta,
            "with --into: the targets may have content: write only what differs")
      .flag("--plan,--dry-run", in_place.plan,
            "show what a restore in place would do, and do nothing")
      .option("--confirm", "SERVICE", in_place.confirm,
              "the service's name once more, to confirm a restore in place, --undo, --close or "
              "--abandon")
      .flag("--without-lock", in_place.request.without_lock,
            "do not run writes.lock: for an application that is gone, and can't be locked")
      .flag("--without-safety-snapshot", in_place.without_safety_snapshot,
            "do not back up the live data first; needed where the repository can't be written to")
      .repeated("--without-safety-snapshot-of", "STORE", in_place.request.unsaved,
                "continue although this store can't be backed up first; may be repeated")
      .flag("--compare-content", in_place.request.compare_content,
            "read and compare every live file, also those with unchanged size and times")
      .flag("--in-place-delta", in_place.delta,
            "write over the live data, when there is no room for a second copy; --undo then "
            "restores the safety snapshot")
      .flag("--detach", in_place.detach,
            "run in the background; `runs show --follow` follows the run")
      .option("--resume", "RUN", request->resume,
              "resume a run that was interrupted or has failed; RUN may be latest")
      .option("--undo", "RUN", request->undo, "undo a run, so that the service is as it was before")
      .option("--close", "RUN", request->close,
              "remove the old data that a run has kept; the run can't be undone any more")
      .option("--abandon", "RUN", request->abandon,
              "abandon a run that can't be finished: the data stays as it is, and the service is "
              "free for another restore")
      .flag("--current-commands", request->current_commands,
            "with --resume or --undo: take the commands from the present configuration, not from "
            "the run's plan")
      .flag("--takeover", request->takeover,
            "with --resume, --undo, --close or --abandon: the other host that carried out the run "
            "is certainly gone")
      .run_options(request->run)
      .action([request](Invocation& invocation) {
        invocation.prepare_run(request->run);
        return restore(invocation, *request);
      });
}

}  // namespace salvor::cli
