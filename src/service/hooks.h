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

/// The commands of a service: what it wants run while its data is restored, or marked.
namespace salvor::service {

enum class Mode { restore, drill, backup };
std::string_view name_of(Mode mode);  ///< SALVOR_MODE

/// The variable that tells commands where the copy of a store is: SALVOR_STORE_NAME, in upper case,
/// '-' as '_'.
std::string store_variable(std::string_view store);

/// Whether a command knows that its data may be a copy: it mentions SALVOR_STORE_… or SALVOR_MODE.
bool mentions_copy(std::string_view command);

/// What every command is told, in its environment.
/// SALVOR_MODE, SALVOR_RUN, SALVOR_SERVICE, SALVOR_POINT, SALVOR_POINT_TIME; for each store its
/// store_variable(): the path of its restored copy, and after the cut-over the live path.   A
/// value.
struct HookContext {
  Mode mode = Mode::restore;
  std::string run;
  std::string service;
  std::string point;
  std::string point_time;
  std::map<std::string, std::string> store_paths;  ///< by the store's name
  std::string directory;                           ///< where commands run; empty: the present one

  /// Errors: configuration: two stores whose variables would be the same.
  std::vector<std::pair<std::string, std::string>> environment() const;
};

/// How a command ended.   Units: seconds. A value.
struct HookOutcome {
  int exit_status = 0;
  int signal = 0;
  bool timed_out = false;
  std::int64_t timeout_s = 0;
  double seconds = 0;
  std::string output;  ///< both streams, the last 64 KiB of each; error output after the other
  bool output_truncated = false;
  std::string output_sha256;  ///< of `output`

  bool succeeded() const { return exit_status == 0 && signal == 0 && !timed_out; }
  std::string describe()
      const;  ///< "exit status 3", "it did not end within its time limit of 600 s"

  /// The last lines of the output, at most `lines_max`, as messages may show them: printable, none
  /// longer than 500 bytes, each after a newline and two blanks.
  std::string last_lines(std::size_t lines_max = 10) const;
};

/// Runs `command` by /bin/sh -c, without input and terminal, in a session of its own. At the time
/// limit all that belongs to it gets SIGTERM, and ten seconds later SIGKILL. What it leaves in the
/// background goes on, but must have an output of its own: that of the command is gone with it.
/// A run has one command at a time: one that a killed process has left goes on by itself, and must
/// not meet itself.
/// `what`: what the configuration calls it, for messages: "the command writes.lock".
/// Errors: conflict: a command of the same run still runs; failed: the shell can't be started;
/// configuration: as environment(); cancelled.   Threads: any; blocks.
HookOutcome run_hook(const std::string& command, const HookContext& context, std::int64_t timeout_s,
                     std::stop_token stop, const std::string& what = "the command");

/// A command that another process has begun for a run, and that has not ended.
struct RunningHook {
  std::int64_t pid = 0;
  std::string command;
};

/// Looks for one among the processes that this user may see, on this machine. To be asked before a
/// run is resumed or undone by another process. Not found: what it has put into the background, and
/// what has replaced its shell (`exec`).
std::optional<RunningHook> running_hook(const std::string& run);

/// Throws (conflict, naming the command and its process) when there is one.
void require_no_running_hook(const std::string& run);

/// What a command says that was asked: yes (exit status 0), or no (any other below 126: from there
/// on the shell itself speaks). `what`: "the command writes.locked". Errors: failed: it did not end
/// by itself, or could not be run.
bool answer_of(const HookOutcome& outcome, const std::string& what);

/// Throws (failed, with the last lines of the output) unless it succeeded. `what`: "the command
/// writes.lock".
void require_success(const HookOutcome& outcome, const std::string& what, const std::string& hint);

}  // namespace salvor::service
