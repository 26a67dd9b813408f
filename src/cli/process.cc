#include "cli/process.h"

#include <malloc.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>

#include "base/umask.h"

namespace salvor::cli {

void prepare_process() {
  if (std::getenv("SALVOR_CORE") == nullptr) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
  }
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  // Memory is bounded by the pipelines' buffers: two arenas, and large buffers given back at once,
  // keep the allocator from holding as much again (a million files: 212 instead of 260 MB), and
  // from trimming and faulting in the same pages all the time.
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
  make_umask_private();
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace salvor::cli
