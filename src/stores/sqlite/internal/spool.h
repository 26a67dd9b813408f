#pragma once

#include <cstdint>
#include <filesystem>

#include "base/fd.h"

struct sqlite3;

namespace salvor::stores::sqlite {

/// The file that a database is copied into: 0600, without a name almost from the start, so that
/// nothing stays when the process is killed. A name is needed for a moment, since SQLite opens by
/// name; what a process killed in that moment has left is removed by the next one.
/// Threads: fd() any; the others one.   Lifetime: the content goes with the object.
class Spool {
 public:
  /// Makes `directory` (0700) when it is missing.
  /// Errors: refused, when others may write to it; no_space; failed.
  explicit Spool(const std::filesystem::path& directory);
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  ~Spool();

  int fd() const { return fd_.get(); }

  /// The same file as an empty database without journal, for SQLite's online backup to write to.
  sqlite3* database() const { return database_; }

  /// Before the copy is read.
  void close_database();

  /// Takes away what was written through fd(), so that database() is what it was: empty.
  void clear();

  /// Errors: no_space, when fewer than `bytes` are free.
  void require_free(std::uint64_t bytes) const;

  /// Writes to the disk what is in memory only, now and then: a large heap of it at once would hold
  /// up the fsync of every other program on that disk. Errors: no_space, failed.
  void flush() const;

  /// For messages.
  const std::filesystem::path& directory() const { return directory_; }

 private:
  void open_file_in_directory();

  std::filesystem::path directory_;
  Fd fd_;
  sqlite3* database_ = nullptr;
};

}  // namespace salvor::stores::sqlite
