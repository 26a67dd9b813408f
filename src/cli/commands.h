#pragma once

#include <functional>

namespace CLI {
class App;
}

/// The commands of the program, one file each: cmd_NAME.cc.
namespace salvor::cli {

class Invocation;

/// What was asked for, ready to be done. Returns the exit status; errors are thrown.
using Action = std::function<int(Invocation&)>;

/// Each adds its command to `app`. When the command line names it, `action` is set while parsing;
/// both must outlive the parsing.
void add_init(CLI::App& app, Action& action);
void add_config(CLI::App& app, Action& action);
void add_backup(CLI::App& app, Action& action);
void add_points(CLI::App& app, Action& action);
void add_ls(CLI::App& app, Action& action);
void add_cat(CLI::App& app, Action& action);
void add_diff(CLI::App& app, Action& action);
void add_restore(CLI::App& app, Action& action);
void add_verify(CLI::App& app, Action& action);
void add_status(CLI::App& app, Action& action);
void add_runs(CLI::App& app, Action& action);
void add_keys(CLI::App& app, Action& action);
void add_completion(CLI::App& app, Action& action);
void add_version(CLI::App& app, Action& action);

/// What `salvor version` and `salvor --version` do.
int show_version(Invocation& invocation);

}  // namespace salvor::cli
