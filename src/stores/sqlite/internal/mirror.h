#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "stores/sqlite/internal/connection.h"
#include "stores/sqlite/internal/spool.h"

namespace salvor::stores::sqlite {

/// Makes the spool equal to the database file, writing only what differs, as often as it is told
/// to. Without a lock the result is a mixture of moments, but most of it is right already, and all
/// of it is in memory: the pass under the lock then runs at the speed of memory.
/// Threads: one; a pass under the lock uses more.   Lifetime: shorter than all it is given.
class Mirror {
 public:
  /// `source`: the connection that takes the locks.
  Mirror(Connection& source, Spool& spool, Clock& clock);

  /// A pass over the file as it is now, writers or not.
  void run_unlocked();

  /// A pass while `source` is in a read transaction, over the first `bytes` of the file. False,
  /// with the spool in between, when it was not done by `deadline` (of clock.monotonic()).
  bool run_locked(std::uint64_t bytes, std::optional<Time> deadline);

  /// Whether the path leads to another file than the one that is read.
  bool moved();

 private:
  struct Pass;

  void work(Connection& reader, Pass& pass);
  void run(Pass& pass, bool parallel);
  void mirror_block(Connection& reader, Pass& pass, std::uint64_t offset, MutableByteView theirs,
                    MutableByteView ours);
  bool out_of_time(const Pass& pass);

  Connection& source_;
  Connection second_;  ///< SQLite's descriptors have one file position each
  Spool& spool_;
  Clock& clock_;
};

}  // namespace salvor::stores::sqlite
