#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stores/sink.h"

namespace salvor::stores {

/// For tests only: what a crash and other file systems do.
struct ReplacementFaults {
  /// Called before each durable step, with its name.
  std::function<void(std::string_view step)> before_step;
  bool can_exchange_names = true;  ///< false: as on a file system without RENAME_EXCHANGE
};

/// Whither a restore goes.
enum class Way {
  forth,
  back,
};

/// How a live file is known to be what the snapshot holds.
enum class Recognise {
  by_status,   ///< size, times, owner, mode and inode are as they were backed up: it is not read
  by_content,  ///< every byte is read and compared: finds what a medium has changed
};

struct ReplacementState {
  bool provisioned = false;  ///< the workplace is there
  bool cut_over = false;     ///< the live path has the restored copy
  bool has_written =
      false;  ///< on the way back something was found written, and is in the copy only
};

/// Brings a restored copy into the place of a live store, and back again.
///
/// All of it lies in a workplace, `<parent>/.salvor-<run>-<tag>` (0700) beside the live path, on
/// the same file system: the copy in `new`, what was live in `old` (after the cut-over), and notes.
/// Each call may be repeated, by another process too, after a crash or a loss of power at any
/// instant: what it finds on disk says what is left to do. What it has done is durable when it
/// returns. Nothing that was live is ever deleted before discard_old().
///
/// Threads: one at a time.
class Replacement {
 public:
  virtual ~Replacement() = default;

  virtual ReplacementState state() const = 0;
  virtual const std::filesystem::path& workplace() const = 0;

  /// The restored copy as checks and hooks see it: in the workplace, after the cut-over the live
  /// path.
  virtual std::filesystem::path copy() const = 0;

  /// Whether the live place can be exchanged as a whole. Changes nothing, and asks nobody to wait.
  /// Errors: refused: it is a mount point or holds one.
  virtual void require_movable() const {}

  /// Makes the workplace.   Errors: refused: the live path is a mount point or holds one, so that
  /// nothing can be moved; no_space; failed.
  virtual void provision() = 0;

  /// Takes the content of a snapshot into the copy; what the live store has unchanged is taken from
  /// there without reading the repository. May be called again after a crash: what an
  /// earlier sink left is used or cleared.
  virtual std::unique_ptr<Sink> sink(Recognise unchanged) = 0;

  /// Files that live store and copy share (hard links of one inode, where the file system can't
  /// share blocks), and that somebody has written through one of the two since the copy was made.
  /// Separates them: the copy's side keeps what was written; the live (or old) side is to be given
  /// back what it had, which is what the snapshot has: `rewrite` is called with the key and a
  /// writer for each, to be used as with delta (read_existing, then keep or write, and finish).
  /// Where all is kept, nothing is changed. To be called after hooks that write into the copy, and
  /// before swap_back(). On the way back nobody knows who wrote: it is noted that the copy has it.
  /// Yields how many files were given something back.
  using Rewrite = std::function<void(ByteView key, FileWriter& writer)>;
  virtual std::uint64_t separate(const Rewrite& rewrite, Way way) = 0;

  /// Finishes what an interrupted cut_over() or swap_back() has begun to move, so that stores that
  /// lie within this one have their place again. Changes nothing else. On the way back, what an
  /// interrupted cut_over() can't move may stay: swap_back() exchanges all of it.
  virtual void settle(Way way) = 0;

  /// Whether cut_over() would find the live store free to be replaced, before anything is restored.
  /// Changes nothing.   Errors: as cut_over().
  virtual void try_cut_over(std::int64_t /*wait_ms_max*/) {}

  /// Puts the copy into the live place and what was live into the workplace, as one: who opens the
  /// store sees the one or the other. What the store does not protect (excluded paths, sockets)
  /// stays with the live path.
  /// Errors: conflict, naming the processes, when somebody has the old store open and does not let
  /// go within `wait_ms_max`: then nothing has changed.
  virtual void cut_over(std::int64_t wait_ms_max) = 0;

  /// The reverse. What was written into the copy after the cut-over stays in the workplace.
  /// Errors: as cut_over().
  virtual void swap_back(std::int64_t wait_ms_max) = 0;

  /// Removes the workplace with the copy; only while not cut over.
  virtual void discard_copy() = 0;

  /// Whether discard_old() would find the copy live. Changes nothing.   Errors: as discard_old().
  virtual void try_discard_old() const = 0;

  /// Removes the workplace with what was live before; only after the cut-over. It can't be undone.
  /// Errors: conflict, when the copy is not live, or nothing is.
  virtual void discard_old() = 0;
};

}  // namespace salvor::stores
