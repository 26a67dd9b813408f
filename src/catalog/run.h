#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"

namespace salvor::catalog {

enum class RunKind { backup, verify, drill, restore, prune };
enum class RunState { running, interrupted, failed, succeeded, closed, undone };

std::string_view name_of(RunKind kind);
std::string_view name_of(RunState state);
std::optional<RunKind> parse_run_kind(std::string_view name);
std::optional<RunState> parse_run_state(std::string_view name);

/// "20260203t040506-1a2b3c4d": the start in UTC, so that ids sort by time, and 32 random bits.
/// Fit for a repository's object names.
struct RunId {
  std::string text;
  auto operator<=>(const RunId&) const = default;
};

RunId make_run_id(Time start, Rng& rng);

/// One run, as the catalog has it. A value.
struct RunRow {
  RunId id;
  RunKind kind = RunKind::backup;
  std::string service;  ///< empty: of the whole repository
  RunState state = RunState::running;
  std::string trigger;  ///< what began it: "command", "schedule", …
  Time started;
  std::optional<Time> ended;  ///< empty while it runs, and when nobody saw its end
  std::string summary_json;   ///< what the run reported; empty when it did not
  std::string error;          ///< empty when there was none
  std::string repository;     ///< its id; empty: none was opened, or an earlier version recorded it
};

/// Which runs; newest first.
struct RunFilter {
  std::optional<std::string> service = {};
  std::optional<RunKind> kind = {};
  std::optional<RunState> state = {};
  std::size_t limit = 100;
  std::optional<std::string> repository = {};  ///< its id
};

/// How long the newest succeeded runs took. Units: seconds.
struct DurationStatistics {
  std::size_t count = 0;  ///< how many runs it is made from, at most 20
  double last_s = 0;
  double median_s = 0;
  double longest_s = 0;
};

}  // namespace salvor::catalog
