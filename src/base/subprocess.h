#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace salvor {

/// What to run, and within which bounds. A value.
struct SubprocessOptions {
  std::vector<std::string> argv = {};  ///< argv[0] is searched in PATH unless it holds a '/'
  std::string name = {};               ///< what it is to people, in messages; empty: argv[0]
  std::vector<std::pair<std::string, std::string>> environment =
      {};                                ///< added to, or put over, ours
  std::string environment_without = {};  ///< of ours, what begins so is left out; empty: nothing
  std::filesystem::path directory = {};  ///< empty: the present one
  ByteView input = {};                   ///< all that the child may read
  std::int64_t time_limit_ms = 60'000;
  /// After the limit the child's process group gets SIGTERM, and after this long SIGKILL.
  std::int64_t kill_grace_ms = 2'000;
  std::size_t output_bytes_max = std::size_t{1} << 20U;         ///< more is read, and dropped
  std::size_t error_output_bytes_max = std::size_t{64} << 10U;  ///< more is read, and dropped
  bool keep_ends = false;     ///< of longer outputs their ends are kept, not their beginnings
  std::stop_token stop = {};  ///< kills it as the time limit does
};

struct SubprocessResult {
  int exit_status = 0;  ///< meaningful while `signal` is 0
  int signal = 0;       ///< what ended it, or 0
  Bytes output;         ///< its standard output, up to the limit
  Bytes error_output;   ///< its standard error, up to the limit
  bool output_truncated = false;
  bool error_output_truncated = false;
  bool timed_out = false;

  bool succeeded() const { return exit_status == 0 && signal == 0 && !timed_out; }

  /// For messages: "exit status 3", "signal 11 (Segmentation fault)", "no end within its time
  /// limit".
  std::string describe() const;
};

/// Runs a program and waits for its end. It gets a session of its own (so it has no terminal to
/// wait at, and its whole group can be killed), default signals, and none of our file descriptors.
/// Returns as soon as the program itself has ended, even when something that it left behind (a
/// server that it started) still holds its standard output; such processes go on.
/// Errors: not_found or failed, when it can't be started; cancelled, when `stop` was requested;
///         unreachable: it does not end though it was killed, and is left behind.
/// Threads: any; blocks.
SubprocessResult run(const SubprocessOptions& options);

}  // namespace salvor
