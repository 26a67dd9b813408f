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
  if (!signals_) signals_.emplace();
  control::Caller caller;
  caller.stop = signals_->token();
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  if (!options_.quiet && (terminal || !options_.json)) {
    const std::lock_guard lock(progress_mutex_);
    progress_.emplace(terminal);
    caller.progress = [this](const control::PhaseProgress& progress) { progress_->show(progress); };
  }
  return caller;
}

void Invocation::end_progress() {
  const std::lock_guard lock(progress_mutex_);
  progress_.reset();
}

void Invocation::say_as_it_is(std::string_view line) {
  const std::lock_guard lock(progress_mutex_);
  if (progress_) return progress_->say(line);
  tell_line(line);
}

}  // namespace salvor::cli
