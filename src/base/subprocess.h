#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

/// Programs that salvor runs: hooks, checks, and commands that fetch a passphrase.
///     SubprocessOptions options;
///     options.argv = {"/bin/sh", "-c", command};
///     options.time_limit_ms = 10'000;
///     const SubprocessResult result = run(options);
///     if (!result.succeeded()) fail(result.describe());
namespace salvor {

/// What to run, and within which bounds. A value.
struct SubprocessOptions {
  /// The program and its arguments; no shell looks at them. argv[0] is searched in PATH unless it
  /// holds a '/'.
  std::vector<std::string> argv = {};
  /// What messages call it; empty: argv[0].
  std::string name = {};
  /// Variables that are added to this process's own, or replace them.
  std::vector<std::pair<std::string, std::string>> environment = {};
  /// Own variables whose names begin with this are left out; empty: none.
  std::string environment_without = {};
  /// Where it runs; empty: the present directory.
  std::filesystem::path directory = {};
  /// Its standard input. It is copied first, so that nobody has to feed it.
  ByteView input = {};
  /// When this time is up, its process group gets SIGTERM, and after kill_grace_ms SIGKILL.
  std::int64_t time_limit_ms = 60'000;
  std::int64_t kill_grace_ms = 2'000;
  /// How much of its standard output is kept. What is more is read and dropped, so that the program
  /// does not block.
  std::size_t output_bytes_max = std::size_t{1} << 20U;
  /// The same for its standard error.
  std::size_t error_output_bytes_max = std::size_t{64} << 10U;
  /// Which part of a longer output is kept: its end instead of its beginning.
  bool keep_ends = false;
  /// Ends it in the same way as the time limit does.
  std::stop_token stop = {};
};

/// How a program ended, and what it wrote. A value.
struct SubprocessResult {
  int exit_status = 0;  ///< meaningful while `signal` is 0
  int signal = 0;       ///< what ended it, or 0
  Bytes output;         ///< its standard output, up to the limit
  Bytes error_output;   ///< its standard error, up to the limit
  bool output_truncated = false;
  bool error_output_truncated = false;
  bool timed_out = false;

  bool succeeded() const { return exit_status == 0 && signal == 0 && !timed_out; }

  /// For messages: "exit status 3", "signal 11 (Segmentation fault)", "it did not end within its
  /// time limit".
  std::string describe() const;
};

/// Runs a program and waits for its end. The program gets a session of its own (it has no terminal
/// to wait for, and its whole group can be killed), default signals, and none of our file
/// descriptors.
/// The call returns when the program itself has ended, even when something that it left behind (a
/// server that it started) still holds its standard output. Such processes go on, unless the
/// program was ended by the limit or the stop.
/// Errors:  not_found or failed: it can't be started; usage: an argument holds a zero byte;
///          cancelled: `stop` was requested; unreachable: it was killed, did not end within 10 s,
///          and is left behind. An exit status is no error: see the result.
/// Threads: any; blocks.
SubprocessResult run(const SubprocessOptions& options);

}  // namespace salvor
