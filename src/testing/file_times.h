#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>

#include "base/fd.h"

namespace salvor::testing {

/// Waits until a change in `directory` gets a later change time than all changes before: file
/// systems stamp with a granularity, of milliseconds on older kernels.
inline void wait_for_tick(const std::filesystem::path& directory) {
  const auto stamp = [&] {
    write_file_atomically(directory / ".tick", {});
    struct stat status {};
    if (::stat((directory / ".tick").c_str(), &status) != 0) return timespec{};
    return status.st_ctim;
  };
  const timespec first = stamp();
  while (true) {
    const timespec now = stamp();
    if (now.tv_sec != first.tv_sec || now.tv_nsec != first.tv_nsec) break;
    ::usleep(1000);
  }
  std::filesystem::remove(directory / ".tick");
}

}  // namespace salvor::testing
