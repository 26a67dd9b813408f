#pragma once

#include <atomic>
#include <cstdint>

/// What a run has done so far, for whoever shows it. Threads: any.
/// Units: bytes of content; `expected` 0: not known.
namespace salvor::backup {

struct Progress {
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> entries{0};
  std::atomic<std::uint64_t> bytes_expected{0};
  std::atomic<std::uint64_t> entries_expected{0};
};

}  // namespace salvor::backup
