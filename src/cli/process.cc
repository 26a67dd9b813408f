#include "cli/process.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>

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
  ::umask(077);
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace salvor::cli
