#include "control/internal/progress_ticker.h"

#include "base/sleeper.h"

namespace salvor::control::internal {
namespace {

constexpr std::int64_t kTick_ms = 200;

}  // namespace

ProgressTicker::ProgressTicker(const Caller& caller, Read read) {
  if (!caller.on_event) return;
  thread_ = std::jthread([tell = caller.on_event, read = std::move(read)](std::stop_token stop) {
    while (Sleeper::system().sleep(kTick_ms, stop)) tell(read());
  });
}

PhaseProgress phase_of(std::string phase, const backup::Progress& progress) {
  PhaseProgress result;
  result.phase = std::move(phase);
  result.bytes = progress.bytes;
  result.bytes_expected = progress.bytes_expected;
  result.entries = progress.entries;
  result.entries_expected = progress.entries_expected;
  return result;
}

}  // namespace salvor::control::internal
