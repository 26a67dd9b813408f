#include "control/internal/run_events.h"

#include <fmt/format.h>

#include <mutex>

namespace salvor::control::internal {

struct RunWarnings::Heard {
  std::mutex mutex;  ///< guards the two below
  std::vector<std::string> lines;
  std::size_t more = 0;
};

RunWarnings::RunWarnings(const Caller& caller)
    : heard_(std::make_shared<Heard>()),
      listener_([heard = heard_, tell = caller.on_event](std::string_view line) {
        if (tell) tell(Warning{std::string(line), {}, {}});
        const std::lock_guard lock(heard->mutex);
        if (heard->lines.size() < kWarningsMax) {
          heard->lines.emplace_back(line);
        } else {
          ++heard->more;
        }
      }) {}

std::vector<std::string> RunWarnings::lines() const {
  const std::lock_guard lock(heard_->mutex);
  std::vector<std::string> lines = heard_->lines;
  if (heard_->more > 0) lines.push_back(fmt::format("and {} more", heard_->more));
  return lines;
}

void RunWarnings::clear() {
  const std::lock_guard lock(heard_->mutex);
  heard_->lines.clear();
  heard_->more = 0;
}

StepTold told_of(const recovery::StepOutcome& step, std::size_t number, std::size_t count) {
  return {name_of(step.id), number,    count, std::string(name_of(step.result)),
          step.seconds,     step.error};
}

}  // namespace salvor::control::internal
