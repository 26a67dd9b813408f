#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"

/// What the catalog keeps of a run. The names of kinds and states are a contract: JSON of `runs`
/// and metric labels have them.
namespace salvor::catalog {

/// What a run does.
enum class RunKind { backup, verify, drill, restore, prune };
/// How a run stands. `running` until finish_run(); `interrupted`, when its process ended and
/// recorded no result. `closed` and `undone` are what became of a restore in place afterwards;
/// `abandoned` is one that nobody can finish, and that somebody has ended: only its journal says
/// so, and the catalog records it as failed.
enum class RunState { running, interrupted, failed, succeeded, closed, undone, abandoned };

/// The name of each, and the reverse; empty for a name that this version does not know.
std::string_view name_of(RunKind kind);
std::string_view name_of(RunState state);
std::optional<RunKind> parse_run_kind(std::string_view name);
std::optional<RunState> parse_run_state(std::string_view name);

/// Names a run: "20260203t040506-1a2b3c4d", which is its start in UTC, so that ids sort by time,
/// and 32 random bits. It has characters that a repository's object names may have. A value.
struct RunId {
  std::string text;
  auto operator<=>(const RunId&) const = default;
};

/// A new id. Two runs that begin in the same second still differ, but for one case in 2^32.
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
  bool has_journal = false;   ///< the catalog has records of it
};

/// Which runs to list. A member that is empty selects all.
struct RunFilter {
  std::optional<std::string> service = {};
  std::optional<RunKind> kind = {};
  std::optional<RunState> state = {};
  std::size_t limit = 100;
  std::optional<std::string> repository = {};  ///< its id
};

/// How long the newest succeeded runs took. A value.
/// Units: seconds.
struct DurationStatistics {
  std::size_t count = 0;  ///< how many runs it is made from, at most 20
  double last_s = 0;
  double median_s = 0;
  double longest_s = 0;
};

}  // namespace salvor::catalog
