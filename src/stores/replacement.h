#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stores/settings.h"
#include "stores/sink.h"

/// How a store is replaced by a restored copy, and gets its old data back. The order of calls:
///     replacement->provision();                      // makes the workplace
///     restore(…, *replacement->sink(Recognise::by_status), …);
///     replacement->separate(rewrite, Way::forth);    // after commands that wrote into the copy
///     replacement->cut_over(wait_ms);
///     replacement->discard_old();                    // closes it; or else, to undo it:
///     replacement->separate(rewrite, Way::back);
///     replacement->swap_back(wait_ms);               // cut_over() may come again
///     replacement->discard_copy();
/// A process that takes over a run calls settle() first.
namespace salvor::stores {

/// For tests only: what a crash, and what other file systems do.
struct ReplacementFaults {
  /// Called before each durable step, with its name.
  std::function<void(std::string_view step)> before_step;
  bool can_exchange_names = true;  ///< false: as on a file system without RENAME_EXCHANGE
};

/// The direction of an exchange: `forth` to the restored copy, `back` to the old data.
enum class Way {
  forth,
  back,
};

/// How a live file is known to be what the snapshot holds, so that it need not be read from the
/// repository.
enum class Recognise {
  /// Its size, times, owner, mode and inode are as they were backed up; it is not read.
  by_status,
  /// Every byte is read and compared. That finds what a medium has changed without a trace.
  by_content,
};

/// How far a replacement has come, as the disk says. A value.
struct ReplacementState {
  bool provisioned = false;  ///< the workplace is there
  bool cut_over = false;     ///< the live path has the restored copy
  /// On the way back something was found written in a file that live store and copy share; only the
  /// copy has it.
  bool has_written = false;
};

/// Brings a restored copy into the place of a live store, and back again.
///
/// All of it lies in a workplace, `<parent>/.salvor-<run>-<tag>` (mode 0700) beside the live path,
/// on the same file system. The workplace holds the copy in `new`, what was live in `old` (after
/// the cut-over), and notes.
///
/// Each call may be repeated, by another process too, after a crash or a loss of power at any
/// instant: what it finds on disk says what is left to do. What a call has done is durable when it
/// returns. Nothing that was live is deleted before discard_old().
///
/// Threads: one at a time.
class Replacement {
 public:
  virtual ~Replacement() = default;

  virtual ReplacementState state() const = 0;
  /// Where the workplace is, or will be.
  virtual Location workplace() const = 0;

  /// The restored copy as checks and commands see it: in the workplace, and after the cut-over at
  /// the live path.
  virtual Location copy() const = 0;

  /// Whether the live place can be exchanged as a whole. Changes nothing, and waits for nobody.
  /// Errors: refused: it is a mount point, or holds one.
  virtual void require_movable() const {}

  /// Makes the workplace.
  /// Errors: refused: the live path is a mount point or holds one, so that nothing can be moved;
  ///         no_space; failed.
  virtual void provision() = 0;

  /// A sink that takes a snapshot into the copy. What the live store has unchanged is taken from
  /// there, without reading the repository. After a crash it may be called again: what an earlier
  /// sink left is used, or cleared.
  virtual std::unique_ptr<Sink> sink(Recognise unchanged) = 0;

  /// Separates files that the live store and the copy share. They share an inode by hard links
  /// where the file system can't share blocks, so a write through one of them is in both.
  /// For each such file that somebody has written since the copy was made, the copy keeps what was
  /// written, and the live (or old) store gets back what it had, which is what the snapshot has:
  /// `rewrite` is called with the file's key and a writer, which it uses as with delta
  /// (read_existing(), then keep() or write(), and finish()). When `rewrite` keeps everything,
  /// nothing changes.
  /// Call it after commands that write into the copy, and before swap_back(). On the way back
  /// nobody knows through which name was written: has_written notes that only the copy has it.
  /// Shape: how many files got something back.
  using Rewrite = std::function<void(ByteView key, FileWriter& writer)>;
  virtual std::uint64_t separate(const Rewrite& rewrite, Way way) = 0;

  /// Finishes what an interrupted cut_over() or swap_back() has begun to move, so that stores that
  /// lie within this one have their place again. Changes nothing else. On the way back, what an
  /// interrupted cut_over() can't move may stay: swap_back() exchanges all of it.
  virtual void settle(Way way) = 0;

  /// Whether cut_over() would find the live store free to be replaced, asked before anything is
  /// restored. Changes nothing.
  /// Errors: as cut_over().
  virtual void try_cut_over(std::int64_t /*wait_ms_max*/) {}

  /// Puts the copy into the live place, and what was live into the workplace, as one change: a
  /// program that opens the store sees the one or the other. Where the file system can't exchange
  /// two names, there is a moment at which nothing is live. What the store does not protect
  /// (excluded paths, sockets) stays with the live path.
  /// Units:  `wait_ms_max`: milliseconds.
  /// Errors: conflict, naming the processes, when somebody has the old store open and does not let
  ///         go in time; refused, when a mount point is in the way. Then nothing has changed.
  virtual void cut_over(std::int64_t wait_ms_max) = 0;

  /// The reverse. What was written into the copy after the cut-over stays in the workplace.
  /// Errors: as cut_over(); conflict, when the old data is not there.
  virtual void swap_back(std::int64_t wait_ms_max) = 0;

  /// Removes the workplace with the copy. Only while not cut over.
  virtual void discard_copy() = 0;

  /// Whether discard_old() would find the copy live. Changes nothing.
  /// Errors: as discard_old().
  virtual void try_discard_old() const = 0;

  /// Removes the workplace with what was live before. Only after the cut-over. It can't be undone.
  /// Errors: conflict, when the copy is not live, or nothing is.
  virtual void discard_old() = 0;
};

}  // namespace salvor::stores
