#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "config/config.h"
#include "control/names.h"

/// Who calls a verb, and what a verb tells them. Every verb is a function of one header: a typed
/// request in, a typed report out. cli and daemon only translate.
namespace salvor::control {

/// The configuration file, as every verb takes it: callers need no other folder for it.
using config::Config;
using config::find_config;
using config::load_config;
using config::Looks;
using config::require_state_answers;
using config::SecretReference;

/// Progress of the phase under way; `phase` is "backup", "verify", "restore: validate", "undo", …
struct PhaseProgress {
  std::string phase;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_expected = 0;  ///< 0: not known
  std::uint64_t entries = 0;
  std::uint64_t entries_expected = 0;
};

/// What a verb needs from whoever calls it. Threads: progress is called by a thread of the verb's.
struct Caller {
  std::function<void(const PhaseProgress&)> progress;  ///< about 5 times a second; may be empty
  std::function<void(const std::string& line)> say;  ///< what happens, as it happens; may be empty
  std::stop_token stop;
  std::string trigger = "command";
};

}  // namespace salvor::control
