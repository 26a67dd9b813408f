#include "cli/invocation.h"

#include <unistd.h>

namespace salvor::cli {

Invocation::Invocation(const GlobalOptions& options) : options_(options), output_(options.json) {}

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
    progress_.emplace(terminal);
    caller.progress = [this](const control::PhaseProgress& progress) { progress_->show(progress); };
  }
  return caller;
}

void Invocation::say(const std::string& line) {
  if (progress_) progress_->clear();
  tell_line(printable(line));
}

}  // namespace salvor::cli
