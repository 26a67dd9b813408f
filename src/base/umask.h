#pragma once

#include <sys/types.h>

namespace salvor {

/// From now on this process makes files that only its user can read; remembers what was before.
/// Threads: to be called once, before any other thread is begun.
void make_umask_private();

/// The umask that this process was begun with: the one for commands that are not salvor's own.
mode_t inherited_umask();

}  // namespace salvor
