#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace salvor::checks {

/// Counts the lines with a text that are appended to a log, from now on. When the log is renamed
/// and begun anew, both are followed, because a program may go on writing to the old one until it
/// is told; when it is truncated, it is read from its start. What is written to a log that comes
/// and goes between two calls is not seen.
/// Threads: one.   Memory: a part of one line, whatever its length.
class LogFollower {
 public:
  /// Errors: none: what can't be opened now is tried again later.
  LogFollower(std::filesystem::path log, std::string text);

  /// Reads what was appended since. Result: how many of its lines hold the text. A line counts
  /// when it is ended, or when this is the `last` call.
  /// Errors: failed: the log is no file, or can't be read; not_found: its directory is missing;
  /// cancelled.
  std::uint64_t read_on(bool last, const std::stop_token& stop);

  bool found() const { return current_.has_value(); }          ///< the log was there at some time
  const std::string& last_line() const { return last_line_; }  ///< with the text, as far as shown

 private:
  struct File {
    Fd fd;
    dev_t device = 0;
    ino_t inode = 0;
    std::uint64_t offset = 0;
    std::string line;  ///< the beginning of a line, or of a long one only the end so far
    bool matches = false;
  };

  std::optional<File> open() const;
  void follow_rotation();
  void read_to_end(File& file, const std::stop_token& stop);
  void feed(File& file, std::string_view bytes);
  void look(File& file);
  void end_line(File& file);

  const std::filesystem::path log_;
  const std::string text_;
  std::optional<File> current_;
  std::optional<File> previous_;  ///< what the log was before its last rotation
  bool skip_present_ = true;      ///< what the log holds when it is first opened is old
  std::uint64_t count_ = 0;
  std::string candidate_;
  std::string last_line_;
};

}  // namespace salvor::checks
