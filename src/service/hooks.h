#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

/// The commands of a service: what it wants run while its data is restored, rehearsed or marked.
/// Each runs in a shell, and is told in its environment which run it serves and where the data is.
///     const std::string what = "the command writes.lock";
///     const HookOutcome outcome = run_hook(command, context, timeout_s, stop, what);
///     require_success(outcome, what, hint);
namespace salvor::service {

/// In what a command is used. It is told so by SALVOR_MODE.
enum class Mode { restore, drill, backup };
/// The value of SALVOR_MODE.
std::string_view name_of(Mode mode);

/// The variable that tells commands where the copy of a store is: SALVOR_STORE_NAME, in upper case,
/// with '_' for '-'.
std::string store_variable(std::string_view store);

/// Whether the text of a command mentions SALVOR_STORE_… or SALVOR_MODE, and hence knows that its
/// data may be a copy. A drill runs no other command, unless its owner says that it is isolated: it
/// would act on what is live.
bool mentions_copy(std::string_view command);

/// What every command is told in its environment: SALVOR_MODE, SALVOR_RUN, SALVOR_SERVICE,
/// SALVOR_POINT, SALVOR_POINT_TIME, and for each store its store_variable(), which is the path of
/// its restored copy, and after the cut-over the live path. A value.
struct HookContext {
  Mode mode = Mode::restore;
  std::string run;
  std::string service;
  std::string point;
  std::string point_time;
  std::map<std::string, std::string> store_paths;  ///< by the store's name
  std::string directory;                           ///< where commands run; empty: the present one

  /// Those variables with their values.
  /// Errors: configuration: two stores would have the same variable.
  std::vector<std::pair<std::string, std::string>> environment() const;
};

/// How a command ended. A value.
/// Units: seconds.
struct HookOutcome {
  int exit_status = 0;
  int signal = 0;
  bool timed_out = false;
  std::int64_t timeout_s = 0;
  double seconds = 0;
  /// Both streams, the last 64 KiB of each: standard output, then error output.
  std::string output;
  bool output_truncated = false;
  std::string output_sha256;  ///< of `output`

  bool succeeded() const { return exit_status == 0 && signal == 0 && !timed_out; }
  /// For messages: "exit status 3", "it did not end within its time limit of 600 s".
  std::string describe() const;

  /// The last lines of the output, at most `lines_max`, as messages may show them: printable, none
  /// longer than 500 bytes, each after a newline and two blanks. Empty lines are left out.
  std::string last_lines(std::size_t lines_max = 10) const;
};

/// Runs a command by /bin/sh -c, without input and terminal, in a session of its own. At the time
/// limit all that belongs to it gets SIGTERM, and ten seconds later SIGKILL. What it leaves in the
/// background goes on, but must have an output of its own: that of the command is gone with it.
/// A run has one command at a time. A command that a killed process has left goes on by itself, and
/// must not meet a second one of its kind.
/// `what` is how the configuration calls it, for messages: "the command writes.lock".
/// Errors:  an exit status is none: see the outcome. conflict: a command of the same run still
///          runs; failed: the shell can't be started; configuration: as environment(); cancelled:
///          the stop; unreachable: it can't be ended.
/// Threads: any; blocks.
HookOutcome run_hook(const std::string& command, const HookContext& context, std::int64_t timeout_s,
                     std::stop_token stop, const std::string& what = "the command");

/// A command that another process has begun for a run, and that has not ended. A value.
struct RunningHook {
  std::int64_t pid = 0;
  std::string command;
};

/// Looks for such a command among the processes of this machine that this user may see. Ask before
/// a run is resumed or undone by another process. It does not find what a command has put into the
/// background, nor a command that has replaced its shell (`exec`).
std::optional<RunningHook> running_hook(const std::string& run);

/// Throws (conflict, naming the command and its process) when there is one.
void require_no_running_hook(const std::string& run);

/// What a command says that was asked a question: yes (exit status 0), or no (1 to 125; from 126 on
/// the shell itself speaks).
/// Errors: failed: it did not end by itself, or could not be run.
bool answer_of(const HookOutcome& outcome, const std::string& what);

/// Throws (failed, with the last lines of the output) unless the command succeeded.
void require_success(const HookOutcome& outcome, const std::string& what, const std::string& hint);

}  // namespace salvor::service
