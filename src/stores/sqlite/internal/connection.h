#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"

struct sqlite3;
struct sqlite3_file;

namespace salvor::stores::sqlite {

/// Throws the Error for a failed call of SQLite; NotReadable for what is no database, or damaged.
/// `result`: the extended result code.   `action`: "cannot read".   `path`: of what.
[[noreturn]] void throw_sqlite_error(int result, sqlite3* database, std::string_view action,
                                     const std::filesystem::path& path);

/// The time that may be spent waiting for the locks of others, over all waits of one backup.
/// Threads: one.
class LockWait {
 public:
  LockWait(Clock& clock, std::int64_t limit_ms) : clock_(clock), limit_ns_(limit_ms * 1'000'000) {}

  /// Waits a moment; false, at once, when the time is used up.
  bool again();
  std::int64_t limit_ms() const { return limit_ns_ / 1'000'000; }

 private:
  Clock& clock_;
  std::int64_t limit_ns_;
  std::int64_t spent_ns_ = 0;
};

/// A connection to a live database that other processes use. It changes nothing, except that
/// SQLite rolls back what a killed writer has left half done, as every reader does. Not to be made
/// to read where wreck_at() says that there is no database: SQLite would remove the log.
/// Threads: one at a time.   Lifetime: destruction ends the read transaction.
class Connection {
 public:
  /// Opens the file; reads nothing and takes no lock.
  explicit Connection(const std::filesystem::path& database);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// Begins a read transaction: from here on, one committed state is seen. In rollback mode this is
  /// SQLite's SHARED lock, for which every commit waits; in WAL mode nobody waits.
  /// Errors: conflict, when `wait` is used up; failed, when it is no database.
  void begin_read(LockWait& wait);
  void end_read();

  /// In a read transaction: whether SQLite reads through a write-ahead log. It does when one is
  /// there, whatever the header of the database says.
  bool is_wal();

  /// The database file itself, past SQLite's cache, through SQLite's own descriptor: to close any
  /// other one would drop the locks of this process.
  std::uint64_t file_bytes();

  /// Fills `out` from `offset` on; false when the file ends before, and the rest is zeros.
  bool read_file(MutableByteView out, std::uint64_t offset);

  /// Whether the path leads to another file by now.
  bool moved();

  /// What the write-ahead log holds; 0 when there is none.
  std::uint64_t wal_bytes();

  /// In a read transaction: copies the state that is seen into `into`, by SQLite's online backup.
  /// Calls `after_step` each time that `pages_per_step` more pages are written.
  /// Errors: no_space; conflict, when `wait` is used up.
  void back_up(sqlite3* into, int pages_per_step, LockWait& wait,
               const std::function<void()>& after_step);

  const std::filesystem::path& path() const { return path_; }

 private:
  void execute(const char* sql);

  std::filesystem::path path_;
  sqlite3* database_ = nullptr;
  sqlite3_file* file_ = nullptr;
};

}  // namespace salvor::stores::sqlite
