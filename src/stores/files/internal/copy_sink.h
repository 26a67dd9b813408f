#pragma once

#include <filesystem>
#include <memory>

#include "base/clock.h"
#include "stores/replacement.h"

namespace salvor::stores::files {

/// Where the copy is made, and what it may take from the live tree.
struct CopySinkOptions {
  std::filesystem::path live;       ///< what is unchanged is taken from here; need not exist
  std::filesystem::path copy;       ///< the directory to be made, in the workplace
  std::filesystem::path workplace;  ///< for its notes
  Recognise unchanged = Recognise::by_status;
  Clock* clock = &Clock::system();
};

/// The sink of Replacement: makes `copy` what the snapshot holds, beside `live`, which is never
/// written. Needs callers that restore with delta, and tell what they keep.
///
/// Recognised by its status, a live file whose size, times, owner, mode and inode are those of the
/// snapshot's entry (by the rule that a backup recognises unchanged files by) is taken unread:
/// cloned where the file system can share blocks, else linked, else copied. One of the same size is
/// compared chunk by chunk, and taken in the same way when it is right. What is linked is listed
/// (shared.h).
///
/// On what an earlier sink left: on the same boot of the machine a file that has its size and its
/// modification time, which is set last, is complete. After another boot all files are compared
/// chunk by chunk: a loss of power may have kept a file's times and lost its content.
/// Threads, lifetime: as every Sink.
std::unique_ptr<Sink> make_copy_sink(CopySinkOptions options);

}  // namespace salvor::stores::files
