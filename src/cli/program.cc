#include "cli/program.h"

#include <algorithm>
#include <new>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/invocation.h"
#include "cli/process.h"
#include "control/whole_commands.h"

namespace salvor::cli {
namespace {

void add_commands(CommandLine& line) {
  for (const auto& add :
       {add_init, add_config, add_backup, add_points, add_ls, add_cat, add_diff, add_restore,
        add_drill, add_runbook, add_verify, add_status, add_runs, add_keys, add_evidence}) {
    add(line.root());
  }
  add_completion(line.root(), line);
  add_version(line.root());
}

/// For people the error on stderr; with --json also the document.
int report(Output& output, const Error& error) {
  tell(error);
  try {
    output.failure(error);
    output.flush();
  } catch (const Error& unwritten) {
    tell(unwritten);
  }
  return exit_status(error.code());
}

bool wants_json(int argc, char** argv) {
  return std::any_of(argv, argv + argc,
                     [](const char* each) { return std::string_view(each) == "--json"; });
}

/// Everything but the errors.
int run_action(const GlobalOptions& options, const Action& action, Invocation& invocation) {
  log::set_level(options.verbose ? log::Level::debug
                 : options.quiet ? log::Level::error
                                 : log::Level::warning);
  const int status = options.version ? show_version(invocation) : action(invocation);
  invocation.end_progress();
  invocation.output().flush();
  invocation.end_events(status);
  return status;
}

/// The same for an error that has come out of it.
int fail(Invocation& invocation, const Error& error) {
  invocation.end_progress();
  const int status = report(invocation.output(), error);
  invocation.end_events(status, error);
  return status;
}

}  // namespace

int run(int argc, char** argv) {
  prepare_process();
  GlobalOptions options;
  Action action;
  CommandLine line(options, action);
  add_commands(line);
  try {
    if (!line.parse(argc, argv)) return 0;
  } catch (const Error& error) {
    Output output(wants_json(argc, argv));
    return report(output, error);
  }
  control::note_how_called(options.config.value_or(""), line.command_names());
  Invocation invocation(options);
  try {
    return run_action(options, action, invocation);
  } catch (const ReaderGone&) {
    invocation.end_progress();
    invocation.end_events(0);
    return 0;
  } catch (const Error& error) {
    return fail(invocation, error);
  } catch (const std::bad_alloc&) {
    return fail(invocation, Error(ErrorCode::failed, "out of memory"));
  } catch (const std::exception& error) {
    return fail(invocation, Error(ErrorCode::failed, printable(error.what()),
                                  "this should not happen: please report it, with the command"));
  }
}

}  // namespace salvor::cli
