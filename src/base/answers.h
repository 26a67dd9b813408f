#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <vector>

/// Mounts that do not answer: a FUSE daemon that hangs, an NFS server that is gone. A system call
/// on such a path blocks its thread, and not even SIGKILL ends it, nor the process that the thread
/// belongs to. So something that may be left behind asks first.
namespace salvor {

/// How long an answer is waited for, where nobody says otherwise.
inline constexpr std::int64_t kAnswersWait_ms = 20'000;

/// Whoever asks holds a lock in this file (made where it is missing), at the place of the path and
/// of the file system that is mounted there, as containers that share the file have others. A
/// process that hangs holds it until its mount goes, also when whoever began it is gone: as long as
/// that, nobody else asks this path, and no further process comes to hang on it. Empty where no
/// such file can be opened: each question then leaves its own. Files are tried in their order; an
/// empty path is none. Who holds the lock keeps us from asking: a file that another user owns, can
/// open, or has made a second name of, is not used.
std::filesystem::path usable_lock_file(std::span<const std::filesystem::path> files);

/// Such a file, in the directory that this user has for what lasts as long as the machine runs:
/// /run, or XDG_RUNTIME_DIR; empty where there is none.
std::filesystem::path runtime_lock_file();

/// Asks all paths at once, in other processes: what is there (links followed), how full its file
/// system is, the first names of a directory, the first byte of a file. Pipes, sockets and devices
/// are not opened. It is an answer, too, that nothing is there, or that it may not be read.
/// Relative paths are taken from the working directory. `lock_file`: see usable_lock_file().
/// Shape:   those paths that did not answer within `wait_ms`, in their order; empty: all did.
/// Units:   milliseconds for all paths together; where all answer it takes about one.
/// Errors:  cancelled, as soon as `stop` is requested; failed: no process can be begun.
/// Threads: any; blocks. The other processes make async-signal-safe calls only, and have none of
///          our file descriptors. One that hangs is left behind, and never becomes our zombie; the
///          next question finds it by the lock file, and leaves no other one.
std::vector<std::filesystem::path> paths_without_answer(
    std::span<const std::filesystem::path> paths, std::int64_t wait_ms, std::stop_token stop = {},
    const std::filesystem::path& lock_file = {});

}  // namespace salvor
