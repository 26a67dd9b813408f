#pragma once

#include <climits>

namespace salvor::testing {

/// Calls of the C library that a test can make fail: whatever links this file calls them through
/// it. Names as in the C library.
enum class Call { pread, pwrite, lseek, linkat, symlinkat, mknodat };

/// In the place of an error number: the call succeeds, and moves half of the bytes.
inline constexpr int kMovesLess = -1;

/// While it lives, some of the calls fail: the `first`-th from its making on, and `count` in all.
/// Threads: any may make the calls; one object at a time.
class CallFault {
 public:
  CallFault(Call call, int error, unsigned first = 1, unsigned count = UINT_MAX);
  ~CallFault();
  CallFault(const CallFault&) = delete;
  CallFault& operator=(const CallFault&) = delete;

  /// How many have failed.
  unsigned met() const;
};

}  // namespace salvor::testing
