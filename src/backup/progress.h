#pragma once

#include <atomic>
#include <cstdint>

/// What a run has done so far, for the code that shows it.
namespace salvor::backup {

/// Counters that a run raises while others read them. A restore uses the same. An expected number
/// of 0 is not known.
/// Units:   bytes of content.
/// Threads: any.
struct Progress {
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> entries{0};
  std::atomic<std::uint64_t> bytes_expected{0};
  std::atomic<std::uint64_t> entries_expected{0};
};

}  // namespace salvor::backup
