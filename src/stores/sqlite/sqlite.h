#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "stores/marker.h"
#include "stores/source.h"
#include "stores/target.h"

namespace salvor::stores {

class Type;

/// The description of this kind of store.
const Type& sqlite_type();

/// A live database, and how its locks are waited for.
struct SqliteSourceOptions {
  std::filesystem::path database;
  /// Where the copy lies between mark() and the end of the Source: a local directory, writable by
  /// this user only, with room for one more database. Made when it is missing.
  std::filesystem::path spool_directory;
  Clock& clock = Clock::system();
  /// How long, in all, mark() waits for other processes to release their locks.
  std::int64_t lock_wait_ms_max = 60'000;
  /// How long a lock that holds up a writer's commit is kept, as long as trying again may help.
  std::int64_t lock_hold_ms_max = 600;
};

/// A live SQLite database as a store of two items: the directory (the empty key) and the database
/// (its file name). mark() copies the state of one committed transaction into the spool, whatever
/// the journal mode and while others write; content is read from that copy.
/// What SQLite can't read is kept as bytes: the file, and its -journal and -wal where there are
/// such, each an item of its name. Then, as when the copy does not pass PRAGMA quick_check, which
/// examine() asks, the report has a suspicion. An empty file is a valid, empty database.
///
/// No other code of this process may open and close the database file, by whatever name, while
/// mark() runs: POSIX drops all locks of a process when it closes any descriptor of the file.
///
/// Threads, lifetime: as every Source. The copy goes with the object.
/// Errors of mark(): not_found (no such file), conflict (locked for longer than lock_wait_ms_max;
/// or, retryable, replaced by another file meanwhile), no_space (in the spool directory), refused
/// (others may write to the spool directory; a restore in place was cut off; the file has several
/// names), failed (not permitted).
/// Facts: docs/stores/sqlite.md.
std::unique_ptr<Source> make_sqlite_source(SqliteSourceOptions options);

/// Why there is no database at that path that SQLite can be given, by its first bytes and by what
/// lies beside it; empty, when there is one, or an empty file, which is a new one. Changes nothing,
/// and drops no lock of this process.   Errors: none.
std::string sqlite_obstacle(const std::filesystem::path& database);

/// Whether a regular file begins as a SQLite database. As sqlite_obstacle(), of any file.
bool is_sqlite_file(const std::filesystem::path& file);

/// A database, live or a copy.
struct SqliteTargetOptions {
  std::filesystem::path database;  ///< the live one, or a copy of it; need not exist
  bool nobody_writes = false;     ///< it is a copy: read it without a lock, leave nothing beside it
  ReplacementFaults faults = {};  ///< tests only
};

/// A SQLite database where it lies.
///
/// lock_writes() holds SQLite's own locks, so that writers that know nothing of a restore get
/// SQLITE_BUSY; readers go on. It follows a replacement of this process: after cut_over() and
/// swap_back() it holds what is live then. To be released while no other code of this process
/// reads the database (see above).
/// Threads: as Target says.
std::unique_ptr<Target> make_sqlite_target(SqliteTargetOptions options);

/// Writes the one row of table salvor_canary, in a transaction of its own, and makes the table
/// where it is missing. Not while a source of this process marks the same database. Errors:
/// conflict: locked by others for longer than `lock_wait_ms_max`; not_found; failed.
void plant_sqlite_marker(const std::filesystem::path& database, const Marker& marker,
                         std::int64_t lock_wait_ms_max);

/// That row; empty when there is none. What is no text in it is empty.
/// Errors: those of SqlAccess::query().
std::optional<Marker> read_sqlite_marker(SqlAccess& database, const std::stop_token& stop);

}  // namespace salvor::stores
