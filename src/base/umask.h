#pragma once

#include <sys/types.h>

namespace salvor {

/// From now on this process makes files that only its own user can read. What was in force before
/// is remembered.
/// Threads: to be called once, before any other thread begins.
void make_umask_private();

/// The umask that this process was started with. Commands of the user run with it, since what they
/// make is not salvor's own.
/// Threads: as make_umask_private(), where that was not called before.
mode_t inherited_umask();

}  // namespace salvor
