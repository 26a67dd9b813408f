#include "cli/invocation.h"

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

control::Caller Invocation::caller() {
  control::Caller caller;
  caller.stop = stop();
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  if (!options_.quiet && (terminal || !options_.json)) {
    const std::lock_guard lock(progress_mutex_);
    progress_.emplace(terminal);
    caller.progress = [this](const control::PhaseProgress& progress) {
      const std::lock_guard shown(progress_mutex_);
      if (progress_ && !is_held_) progress_->show(progress);
    };
  }
  return caller;
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
