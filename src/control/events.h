#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

/// What a run tells while it runs: to the progress line, and, by `--events`, to whoever supervises
/// its process (docs/events.md). A process has one run at a time:
///     RunBegan, then any number of StepTold, PhaseProgress, Note and Warning, then RunEnded
/// A Warning or a Note may also come before a run has begun, and after it has ended.
///
/// A new event is a type here, its place in Event, and in events_json.cc its name and its keys.
namespace salvor::control {

/// This process carries out a run from here on: it may still be refused before. A value.
struct RunBegan {
  /// backup, restore, resume, undo, close, abandon, drill or verify.
  std::string verb;
  /// The run's id, as the catalog, the journal and the evidence have it.
  std::string run;
  /// Whose run it is; empty: of the whole repository.
  std::string service;
  /// The stores that the run is of; empty where that is not known yet.
  std::vector<std::string> stores;
};

/// A step of a run begins or has ended. A value.
/// Units: seconds.
struct StepTold {
  std::string name;
  /// Its place in the plan, from 1, and how many steps the plan has.
  std::size_t number = 0;
  std::size_t count = 0;
  /// "began", "done", "failed" or "undone".
  std::string state;
  /// How long it took; 0 where that was not measured.
  double seconds = 0;
  /// Why it has failed.
  std::string error;
};

/// How far a phase is. A number that is expected, and is 0, is not known.
/// Units: bytes of content; entries of stores.
struct PhaseProgress {
  /// The verb, and for other steps than those that restore ": " and the step: "restore: validate".
  std::string phase;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_expected = 0;
  std::uint64_t entries = 0;
  std::uint64_t entries_expected = 0;
};

/// What people should know of what happens. A value.
struct Note {
  std::string text;
};

/// What somebody should look at. The run goes on. A value.
struct Warning {
  std::string what;
  /// "store media: a/path"; empty where `what` says it, or where it is the whole run.
  std::string where;
  /// What to do; empty where nothing can be said.
  std::string hint;
};

/// A run has ended, or a command that has begun none. A value.
struct RunEnded {
  /// The state that `salvor runs` shows, or "abandoned"; empty: no run had begun.
  std::string outcome;
  /// The exit status that follows from it, and why that is not 0.
  int exit = 0;
  std::optional<Error> error;
  /// How many events could not be written, but for progress: who writes them knows it.
  std::uint64_t dropped = 0;
};

/// One event.
using Event = std::variant<RunBegan, StepTold, PhaseProgress, Note, Warning, RunEnded>;

/// With its end a line is what a pipe takes as a whole, whoever else writes to it (PIPE_BUF).
inline constexpr std::size_t kEventBytesMax = 4095;

/// One event as a line without its end. Long texts are cut, and what is no UTF-8 is replaced.
/// Shape:  one JSON object of at most kEventBytesMax bytes, without a newline. `run`: the one under
///         way; empty: none. Keys are a contract: docs/events.md.
/// Errors: none.
std::string to_json(const Event& event, const std::string& run, Time time);

}  // namespace salvor::control
