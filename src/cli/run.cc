#include "cli/run.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <new>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/invocation.h"
#include "cli/process.h"
#include "control/nearest_name.h"

namespace salvor::cli {
namespace {

constexpr const char* kFooter =
    "Every command explains itself: salvor COMMAND --help\n"
    "The configuration is searched as --config, $SALVOR_CONFIG, ./salvor.toml,\n"
    "/etc/salvor/salvor.toml.\n\n"
    "Exit status: 0 done, 1 failed, 2 usage, 3 configuration, 4 not found, 5 corruption,\n"
    "6 refused by a guard, 7 conflict, 8 unreachable, 9 checks failed";

void add_global_options(CLI::App& app, GlobalOptions& options) {
  app.add_option("-c,--config", options.config, "the configuration file")->type_name("FILE");
  app.add_flag("--json", options.json, "print one JSON document instead of text");
  app.add_flag("-q,--quiet", options.quiet, "no progress, and no words about what was done");
  app.add_flag("-v,--verbose", options.verbose, "say more on standard error");
  app.add_flag("--version", options.version, "print the version");
}

void add_commands(CLI::App& app, Action& action) {
  add_init(app, action);
  add_config(app, action);
  add_backup(app, action);
  add_points(app, action);
  add_ls(app, action);
  add_cat(app, action);
  add_diff(app, action);
  add_restore(app, action);
  add_verify(app, action);
  add_status(app, action);
  add_runs(app, action);
  add_keys(app, action);
  add_completion(app, action);
  add_version(app, action);
}

/// For people the error on stderr; with --json also the document.
int report(Output& output, const Error& error) {
  fmt::print(stderr, "salvor: error: {}\n", error.message());
  if (!error.hint().empty()) fmt::print(stderr, "hint: {}\n", error.hint());
  try {
    output.failure(error);
    output.flush();
  } catch (const Error& unwritten) {
    fmt::print(stderr, "salvor: error: {}\n", unwritten.message());
  }
  return exit_status(error.code());
}

/// The names of the commands directly below.
std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

/// The command that was understood last: its help is what the user needs.
const CLI::App& innermost(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.front());
}

std::string full_name(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : full_name(*parent) + " " + app.get_name();
}

/// No command, or one that there is not.
Error missing_command(const CLI::App& app, const std::vector<std::string>& arguments) {
  const std::vector<std::string> names = command_names(app);
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const auto word = std::find_if(arguments.begin(), arguments.end(),
                                 [](const std::string& each) { return !each.starts_with('-'); });
  if (word == arguments.end()) {
    return {ErrorCode::usage, "no command given",
            fmt::format("`{} --help` lists the commands", full_name(app))};
  }
  return {ErrorCode::usage,
          fmt::format("there is no command \"{}\"", printable(full_name(app) + " " + *word)),
          control::suggest(*word, candidates)};
}

Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = innermost(app);
  if (!command.get_subcommands(nullptr).empty()) {
    return missing_command(command, app.remaining(true));
  }
  std::string message = printable(error.what());
  if (!message.empty()) {
    message[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(message[0])));
  }
  return {ErrorCode::usage, message, fmt::format("see `{} --help`", full_name(command))};
}

bool wants_json(int argc, char** argv) {
  return std::any_of(argv, argv + argc,
                     [](const char* each) { return std::string_view(each) == "--json"; });
}

/// Everything but the errors.
int run_action(const CLI::App& app, const GlobalOptions& options, Action action,
               Invocation& invocation) {
  log::set_level(options.verbose ? log::Level::debug
                 : options.quiet ? log::Level::error
                                 : log::Level::warning);
  if (options.version) action = show_version;
  if (!action) throw missing_command(innermost(app), app.remaining(true));
  const int status = action(invocation);
  invocation.end_progress();
  invocation.output().flush();
  return status;
}

}  // namespace

int run(int argc, char** argv) {
  prepare_process();
  CLI::App app("salvor: backup and restore of everything that a service needs to come back",
               "salvor");
  GlobalOptions options;
  Action action;
  app.fallthrough();
  app.footer(kFooter);
  app.get_formatter()->label("TEXT", "");
  add_global_options(app, options);
  add_commands(app, action);
  Output early(wants_json(argc, argv));
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help, std::cout, std::cerr);
  } catch (const CLI::ParseError& error) {
    return report(early, usage_error(app, error));
  }
  Invocation invocation(options);
  try {
    return run_action(app, options, std::move(action), invocation);
  } catch (const Error& error) {
    invocation.end_progress();
    return report(invocation.output(), error);
  } catch (const std::bad_alloc&) {
    invocation.end_progress();
    return report(invocation.output(), Error(ErrorCode::failed, "out of memory"));
  } catch (const std::exception& error) {
    invocation.end_progress();
    return report(invocation.output(),
                  Error(ErrorCode::failed, printable(error.what()),
                        "this should not happen: please report it, with the command"));
  }
}

}  // namespace salvor::cli
