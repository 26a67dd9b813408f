#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "control/caller.h"
#include "recovery/execute.h"

/// What every run tells its caller (control/events.h).
namespace salvor::control::internal {

/// What is warned while a verb is at work: the caller gets each as an event, and all of it goes
/// into the report and the evidence of the run.
/// Threads: any.
class RunWarnings {
 public:
  explicit RunWarnings(const Caller& caller);

  /// As they were printed, at most kWarningsMax, and then how many more there were.
  std::vector<std::string> lines() const;
  /// For the next run of the command.
  void clear();

  static constexpr std::size_t kWarningsMax = 1000;

 private:
  struct Heard;
  const std::shared_ptr<Heard> heard_;  ///< shared with the calls under way
  const log::Listener listener_;
};

/// A step that recovery tells of.
StepTold told_of(const recovery::StepOutcome& step, std::size_t number, std::size_t count);

}  // namespace salvor::control::internal
