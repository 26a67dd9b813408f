#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "control/caller.h"

namespace salvor::cli {

/// Progress on standard error: on a terminal one line that is written anew and cleared in the end,
/// else a line every 10 seconds.
/// Threads: any.   Lifetime: the destructor clears the line.
class ProgressLine {
 public:
  explicit ProgressLine(bool terminal) : terminal_(terminal) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  void show(const control::PhaseProgress& progress);
  void clear();

  /// A line of text that does not break the progress.
  void say(std::string_view line);

 private:
  void clear_locked();
  void begin(const control::PhaseProgress& progress, Time now);

  const bool terminal_;
  std::mutex mutex_;  ///< guards all below
  std::string phase_;
  Time start_;
  Time shown_;
  bool visible_ = false;
};

/// "backup  [####      ]  42 %  1.2 GiB of 2.9 GiB  31,234 entries  120.0 MiB/s  12 s left", as
/// much of it as is known.   Units: elapsed in seconds.
std::string describe(const control::PhaseProgress& progress, double elapsed_s, bool bar);

/// As many of its parts as fit; at least the beginning of the first.
std::string fitting(const std::string& description, std::size_t columns);

}  // namespace salvor::cli
