#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include "base/clock.h"

namespace salvor::control::internal {

/// Counts files that were written after an instant, and the bytes in them, for messages. A file
/// with several names counts once.
/// Threads: one.
class FileCount {
 public:
  static constexpr Time kAnyTime{std::numeric_limits<std::int64_t>::min()};

  /// `look_ms`: so long from now may the looking take; what it does not reach makes the count a
  /// least one.
  FileCount(Time since, std::int64_t look_ms);

  /// One file, and all files below a directory.   Errors: none: what can't be seen is left out.
  void add(const std::filesystem::path& path);
  void add_below(const std::filesystem::path& root);

  /// What was live before a restore, and its copy; the rest of a workplace is salvor's own notes.
  void add_data_of(const std::filesystem::path& workplace);

  /// "at least 3 files (1.2 MiB)"
  std::string text() const;

 private:
  const Time since_;
  const Time limit_;
  std::set<std::pair<dev_t, ino_t>> linked_;  ///< those with several names
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
  bool is_whole_ = true;
};

}  // namespace salvor::control::internal
