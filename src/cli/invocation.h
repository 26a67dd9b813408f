#pragma once

#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "cli/event_stream.h"
#include "cli/output.h"
#include "cli/progress_line.h"
#include "cli/stop_on_signal.h"
#include "control/caller.h"

namespace salvor::cli {

/// The options that every command takes, before or after its name.
struct GlobalOptions {
  std::optional<std::string> config;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool version = false;
};

/// The options of commands that carry out a run: whom it tells what it does, and who is said to
/// have asked for it. A value.
struct RunOptions {
  static constexpr std::size_t kNoEvents = static_cast<std::size_t>(-1);
  /// The descriptor that events go to; kNoEvents: there are none.
  std::size_t events = kNoEvents;
  /// Texts of the caller's, for the evidence; empty: nobody says it.
  std::string started_by;
  std::string approved_by;
};

/// One call of the program: what a command gets from its surroundings.
/// Threads: one, but for the progress.   Lifetime: longer than its callers.
class Invocation {
 public:
  /// From now on warnings, too, are laid out for the terminal, and do not break the progress.
  explicit Invocation(const GlobalOptions& options);
  Invocation(const Invocation&) = delete;
  Invocation& operator=(const Invocation&) = delete;
  ~Invocation();

  Output& output() { return output_; }
  bool json() const { return output_.json(); }

  /// Only the answers, no words about what was done.
  bool quiet() const { return options_.quiet; }

  /// `looks`: which paths of the file the command will look at.
  control::Config load_config(control::Looks looks = control::Looks::everywhere) const;

  /// Whether what happens is said as it happens, but for progress.
  bool says() const { return !quiet() && !json(); }

  /// To be called first by a command that carries out a run.
  /// Errors: usage: no events can be written where they are wanted.
  void prepare_run(const RunOptions& options);

  /// For the verbs of control: progress, notes and events as this call wants them, and a stop on
  /// signals.
  control::Caller caller();

  /// From now on a step of a run is said when it begins.
  void say_steps() { says_steps_ = true; }

  /// The command ends with that exit status; `error`: the one that ends it.
  void end_events(int status, const std::optional<Error>& error = {});
  /// Another process carries on with the run, and has its events.
  void leave_events();

  /// A line about what happens, on standard error, that does not break the progress.
  void say(const std::string& line) { say_as_it_is(printable(line)); }

  /// To be called before anything else is written.
  void end_progress();

  /// Nothing is written on standard error while somebody answers a question there.
  void hold_progress(bool held);

  /// Requested by a signal.
  std::stop_token stop();

 private:
  void say_as_it_is(std::string_view line);
  void show(const control::Event& event);

  const GlobalOptions options_;
  Output output_;
  bool says_steps_ = false;
  RunOptions run_options_;
  std::optional<EventStream> events_;
  std::mutex progress_mutex_;             ///< guards the two below
  std::optional<ProgressLine> progress_;  ///< empty: there is none, or it has ended
  bool is_held_ = false;                  ///< somebody is being asked
  std::optional<StopOnSignal> signals_;
};

}  // namespace salvor::cli
