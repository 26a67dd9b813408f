#include "base/deadline.h"

#include <algorithm>
#include <utility>

namespace salvor {
namespace {

constexpr std::int64_t kMsPerSecond = 1000;
// Longer limits do not fit into the timers.
constexpr std::int64_t kLimitMax_s = std::int64_t{366} * 24 * 3600;

}  // namespace

Deadline::Deadline(std::stop_token outer, std::int64_t limit_s, Sleeper& sleeper)
    : forward_(std::move(outer), Forward{stop_}) {
  if (limit_s <= 0) return;
  timer_ = std::jthread([this, limit_s, &sleeper](const std::stop_token& over) {
    if (!sleeper.sleep(std::min(limit_s, kLimitMax_s) * kMsPerSecond, over)) return;
    passed_ = true;
    stop_.request_stop();
  });
}

}  // namespace salvor
