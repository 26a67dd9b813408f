#include "cli/invocation.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"

namespace salvor::cli {

Invocation::Invocation(const GlobalOptions& options) : options_(options), output_(options.json) {
  log::set_writer([this](std::string_view line) { say_as_it_is(line); });
}

Invocation::~Invocation() {
  log::set_writer({});
}

control::Config Invocation::load_config(control::Looks looks) const {
  std::optional<std::filesystem::path> path;
  if (options_.config) path = *options_.config;
  return control::load_config(control::find_config(path), looks);
}

void Invocation::prepare_run(const RunOptions& options) {
  run_options_ = options;
  if (options.events != RunOptions::kNoEvents) events_.emplace(options.events);
}

control::Caller Invocation::caller() {
  control::Caller caller;
  caller.stop = stop();
  caller.started_by = run_options_.started_by;
  caller.approved_by = run_options_.approved_by;
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const bool shows = !options_.quiet && (terminal || !options_.json);
  if (shows) {
    const std::lock_guard lock(progress_mutex_);
    progress_.emplace(terminal);
  }
  if (!shows && !events_) return caller;
  caller.on_event = [this](const control::Event& event) {
    if (events_) events_->write(event);
    show(event);
  };
  return caller;
}

void Invocation::show(const control::Event& event) {
  if (const auto* progress = std::get_if<control::PhaseProgress>(&event)) {
    const std::lock_guard lock(progress_mutex_);
    if (progress_ && !is_held_) progress_->show(*progress);
    return;
  }
  if (!says()) return;
  if (const auto* note = std::get_if<control::Note>(&event)) say(note->text);
  const auto* step = std::get_if<control::StepTold>(&event);
  const bool begins = step != nullptr && step->state == "began";
  if (!begins || !says_steps_) return;
  say(fmt::format("step {} of {}: {}", step->number, step->count, step->name));
}

void Invocation::end_events(int status, const std::optional<Error>& error) {
  if (events_) events_->end(status, error);
}

void Invocation::leave_events() {
  if (events_) events_->leave();
}

void Invocation::end_progress() {
  const std::lock_guard lock(progress_mutex_);
  progress_.reset();
}

void Invocation::hold_progress(bool held) {
  const std::lock_guard lock(progress_mutex_);
  if (held && progress_) progress_->clear();
  is_held_ = held;
}

std::stop_token Invocation::stop() {
  if (!signals_) signals_.emplace();
  return signals_->token();
}

void Invocation::say_as_it_is(std::string_view line) {
  const std::lock_guard lock(progress_mutex_);
  if (progress_) return progress_->say(line);
  tell_line(line);
}

}  // namespace salvor::cli
