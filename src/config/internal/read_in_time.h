#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string_view>

#include "base/fd.h"

/// Reading of what may be a pipe that nobody writes to.
namespace salvor::config::internal {

inline constexpr std::int64_t kReadLimit_ms = 60'000;

/// Opens for reading, without waiting for a writer of a pipe. Empty with errno, when it can't.
Fd open_to_wait(const std::filesystem::path& path);

/// Reads up to out.size() bytes, less only at the end of the file.
/// Errors:  cancelled, as soon as `stop` is requested; failed: the end did not come within
///          `limit_ms`, or it can't be read.   Threads: any; blocks.
std::size_t read_in_time(int fd, MutableByteView out, std::string_view path, std::stop_token stop,
                         std::int64_t limit_ms = kReadLimit_ms);

}  // namespace salvor::config::internal
