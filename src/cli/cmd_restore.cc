#include <fmt/format.h>

#include <optional>
#include <variant>

#include "base/counted.h"
#include "cli/commands.h"
#include "cli/in_place.h"
#include "cli/invocation.h"
#include "control/report_json.h"
#include "control/restore_in_place.h"
#include "control/restore_into.h"

namespace salvor::cli {
namespace {

/// What `restore` is asked to do: to restore beside, in place, or to continue a run.
using RestoreMode = std::variant<control::RestoreRequest, InPlaceOptions, ContinueOptions>;

/// Everything that the command line may say; mode_of() tells which of it makes sense.
struct RestoreChoices {
  InPlaceOptions in_place;
  std::string into;
  bool delta = false;
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
        "salvor: warning: store {}: {} that {} not belong there {} moved to {}", store.name,
        counted(report.moved_aside, "entry", "entries"), report.moved_aside == 1 ? "does" : "do",
        report.moved_aside == 1 ? "was" : "were", printable(report.moved_aside_to)));
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
  return options.plan || options.without_safety_snapshot || options.request.in_place_delta ||
         !options.request.unsaved.empty() || options.request.compare_content ||
         options.request.without_lock;
}

/// Empty: no run is named.
std::optional<ContinueOptions> continue_of(const RestoreChoices& choices) {
  ContinueOptions options;
  std::size_t given = 0;
  const auto take = [&](const std::string& run, auto verb) {
    if (run.empty()) return;
    ++given;
    options.request.run = run;
    options.verb = verb;
  };
  take(choices.resume, control::resume_restore);
  take(choices.undo, control::undo_restore);
  take(choices.close, control::close_restore);
  take(choices.abandon, control::abandon_restore);
  if (given == 0) return std::nullopt;
  if (given > 1) throw_usage("--resume, --undo, --close and --abandon can't be combined");
  const control::PlanRequest& plan = choices.in_place.request;
  const bool more = !plan.service.empty() || !choices.into.empty() || !plan.stores.empty() ||
                    plan.at != control::PlanRequest{}.at || choices.delta;
  if (more || asks_in_place(choices.in_place)) {
    throw_usage(
        "--resume, --undo, --close and --abandon take a run, and nothing else but --confirm, "
        "--current-commands and --takeover: the run follows its plan");
  }
  options.detach = choices.in_place.detach;
  if (options.detach && choices.resume.empty() && choices.undo.empty()) {
    throw_usage("--detach works with a restore in place, --resume and --undo");
  }
  options.request.confirm = choices.in_place.confirm;
  options.request.takeover = choices.takeover;
  options.request.current_commands = choices.current_commands;
  return options;
}

/// Errors: usage: what is asked for can't be combined.
RestoreMode mode_of(const RestoreChoices& choices) {
  if (auto run = continue_of(choices)) return *std::move(run);
  if (choices.takeover || choices.current_commands) {
    throw_usage(
        "--takeover and --current-commands work with --resume, --undo, --close and --abandon");
  }
  InPlaceOptions in_place = choices.in_place;
  const control::PlanRequest& plan = in_place.request;
  if (plan.service.empty()) throw_usage("no service is named");
  if (!choices.into.empty()) {
    if (asks_in_place(in_place) || !in_place.confirm.empty() || in_place.detach) {
      throw_usage(
          "--into restores beside the live data, and takes no option of a restore in place");
    }
    return control::RestoreRequest{plan.service, choices.into, plan.at, plan.stores, choices.delta};
  }
  if (choices.delta) {
    throw_usage("--delta works with --into; a restore in place has --in-place-delta");
  }
  in_place.request.safety_snapshot = !in_place.without_safety_snapshot;
  return in_place;
}

int restore(Invocation& invocation, const RestoreMode& mode) {
  if (const auto* beside = std::get_if<control::RestoreRequest>(&mode)) {
    return restore_beside(invocation, *beside);
  }
  if (const auto* run = std::get_if<ContinueOptions>(&mode)) {
    return continue_in_place(invocation, *run);
  }
  const auto& in_place = std::get<InPlaceOptions>(mode);
  return in_place.plan ? show_plan(invocation, in_place) : restore_in_place(invocation, in_place);
}

}  // namespace

void add_restore(Verb root) {
  const auto choices = std::make_shared<RestoreChoices>();
  InPlaceOptions& in_place = choices->in_place;
  root.add("restore", "Restore a service: in place, guarded, or into a directory",
           "salvor restore shop --plan\n"
           "  salvor restore shop --confirm shop\n"
           "  salvor restore shop --into /srv/restored --at \"2026-02-03 04:05\"")
      .optional("SERVICE", in_place.request.service, "the service")
      .option("--into", "DIR", choices->into,
              "restore beside the live data, which stays untouched: store s goes to DIR/s")
      .option(
          "--at", "WHEN", in_place.request.at,
          "latest (the default), a point's id, or a time (the newest point at or before that time)")
      .repeated("--only", "STORE", in_place.request.stores, "only this store; may be repeated")
      .flag("--delta", choices->delta,
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
      .flag("--in-place-delta", in_place.request.in_place_delta,
            "write over the live data, when there is no room for a second copy; --undo then "
            "restores the safety snapshot")
      .flag("--detach", in_place.detach,
            "run in the background; `runs show --follow` follows the run")
      .option("--resume", "RUN", choices->resume,
              "resume a run that was interrupted or has failed; RUN may be latest")
      .option("--undo", "RUN", choices->undo, "undo a run, so that the service is as it was before")
      .option("--close", "RUN", choices->close,
              "remove the old data that a run has kept; the run can't be undone any more")
      .option("--abandon", "RUN", choices->abandon,
              "abandon a run that can't be finished: the data stays as it is, and the service is "
              "free for another restore")
      .flag("--current-commands", choices->current_commands,
            "with --resume or --undo: take the commands from the present configuration, not from "
            "the run's plan")
      .flag("--takeover", choices->takeover,
            "with --resume, --undo, --close or --abandon: the other host that carried out the run "
            "is certainly gone")
      .run_options(choices->run)
      .action([choices](Invocation& invocation) {
        invocation.prepare_run(choices->run);
        return restore(invocation, mode_of(*choices));
      });
}

}  // namespace salvor::cli
