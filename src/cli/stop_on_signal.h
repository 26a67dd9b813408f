#pragma once

#include <stop_token>
#include <thread>

#include "base/fd.h"

namespace salvor::cli {

/// SIGINT, SIGTERM and SIGHUP ask for a stop; the second one ends the process at once (130).
/// Threads: made before any other thread, so that all of them leave the signals alone.
/// Lifetime: the destructor ends its thread; the signals stay blocked.
class StopOnSignal {
 public:
  StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  ~StopOnSignal();

  std::stop_token token() const { return stop_.get_token(); }

 private:
  void wait();

  std::stop_source stop_;
  Fd signals_;
  Fd end_;
  std::jthread thread_;
};

}  // namespace salvor::cli
