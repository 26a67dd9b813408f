#include "base/sleeper.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace salvor {
namespace {

class SystemSleeper final : public Sleeper {
 public:
  bool sleep(std::int64_t duration_ms, std::stop_token stop) override {
    std::mutex mutex;
    std::condition_variable_any woken;
    std::unique_lock lock(mutex);
    woken.wait_for(lock, stop, std::chrono::milliseconds(duration_ms), [] { return false; });
    return !stop.stop_requested();
  }
};

}  // namespace

Sleeper& Sleeper::system() {
  static SystemSleeper sleeper;
  return sleeper;
}

}  // namespace salvor
