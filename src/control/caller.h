#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "config/config.h"
#include "control/events.h"
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

/// What a verb needs from whoever calls it.
/// Threads: on_event is called by any thread of the verb's, also by two at once.
struct Caller {
  /// Gets what happens as it happens, progress about 5 times a second; may be empty. It must not
  /// wait: the verb does while it does.
  std::function<void(const Event&)> on_event;
  /// Requested: the verb begins nothing new, and ends as cancelled.
  std::stop_token stop;
  /// What has begun the run, for the catalog and the evidence: "command", "schedule", …
  std::string trigger = "command";
  /// Who has started and who has approved the run, as the caller says; empty: nobody says it. What
  /// salvor sees by itself, the user of the process, is in the evidence beside it.
  std::string started_by;
  std::string approved_by;

  /// Calls on_event, if there is one.
  void tell(const Event& event) const {
    if (on_event) on_event(event);
  }
};

}  // namespace salvor::control
