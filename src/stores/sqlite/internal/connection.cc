#include "stores/sqlite/internal/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <time.h>

#include <memory>

#include "base/error.h"
#include "stores/sqlite/internal/wreck.h"

namespace salvor::stores::sqlite {
namespace {

// A writer that commits without pause leaves gaps of some 50 microseconds; longer waits than this
// would miss most of them.
constexpr long kPollNs = 100'000;

bool is_busy(int result) {
  const int primary = result & 0xff;
  return primary == SQLITE_BUSY || primary == SQLITE_LOCKED || primary == SQLITE_PROTOCOL;
}

[[noreturn]] void throw_locked(const std::filesystem::path& path, const LockWait& wait) {
  throw Error(
      ErrorCode::conflict,
      fmt::format("cannot read {}: locked by another process, waited {}", printable(path.native()),
                  human_duration(static_cast<double>(wait.limit_ms()) / 1e3)),
      "end the program that keeps the database locked (a transaction left open, or PRAGMA "
      "locking_mode = EXCLUSIVE), and run the command again");
}

ErrorCode code_of(int result) {
  switch (result & 0xff) {
    case SQLITE_FULL:
      return ErrorCode::no_space;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::conflict;
    default:
      return ErrorCode::failed;
  }
}

std::string hint_of(int result) {
  switch (result & 0xff) {
    case SQLITE_NOTADB:
      return "name the file of a SQLite database; an encrypted one can't be read, protect it as "
             "files while nobody writes it";
    case SQLITE_FULL:
      return "free some space on that file system, and run the command again";
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return "run as a user who may write to the database and its directory: a reader needs the "
             "-wal and -shm files in WAL mode, and rolls back what a killed writer left half done";
    case SQLITE_CORRUPT:
      return "check the database with PRAGMA integrity_check; restore it from a recovery point, or "
             "recover what can be read with the sqlite3 command .recover";
    default:
      return {};
  }
}

}  // namespace

void throw_sqlite_error(int result, sqlite3* database, std::string_view action,
                        const std::filesystem::path& path) {
  std::string reason = sqlite3_errstr(result);
  if (database != nullptr && sqlite3_extended_errcode(database) == result) {
    reason = sqlite3_errmsg(database);
    const int error = sqlite3_system_errno(database);
    if ((result & 0xff) == SQLITE_IOERR && error != 0) reason += ": " + errno_text(error);
  }
  const std::string message =
      fmt::format("{} {}: {}", action, printable(path.native()), printable(reason));
  const int primary = result & 0xff;
  if (primary == SQLITE_NOTADB || primary == SQLITE_CORRUPT) {
    throw NotReadable(code_of(result), message, hint_of(result));
  }
  throw Error(code_of(result), message, hint_of(result));
}

bool LockWait::again() {
  if (spent_ns_ >= limit_ns_) return false;
  const Time before = clock_.monotonic();
  const timespec pause{0, kPollNs};
  ::nanosleep(&pause, nullptr);
  spent_ns_ += clock_.monotonic().ns - before.ns;
  return true;
}

Connection::Connection(const std::filesystem::path& database)
    // A relative path that begins with "file:" would be taken for a URI.
    : path_(std::filesystem::absolute(database)) {
  const int result = sqlite3_open_v2(path_.c_str(), &database_,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  try {
    if (result != SQLITE_OK) {
      throw_sqlite_error(sqlite3_extended_errcode(database_), database_, "cannot open", path_);
    }
    sqlite3_extended_result_codes(database_, 1);
    // A mapping of a file that another process shortens kills the reader.
    execute("PRAGMA mmap_size = 0");
    execute("PRAGMA query_only = 1");
    sqlite3_file_control(database_, "main", SQLITE_FCNTL_FILE_POINTER, &file_);
    SALVOR_ASSERT(file_ != nullptr && file_->pMethods != nullptr);
  } catch (...) {
    sqlite3_close(database_);
    throw;
  }
}

Connection::~Connection() {
  // The last connection to close a database in WAL mode checkpoints it, which is the application's
  // business and may hold up its next writer. With nothing to checkpoint, closing normally removes
  // the empty -wal and -shm files that opening made.
  if (wal_bytes() > 0) {
    sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
  sqlite3_close(database_);
}

void Connection::execute(const char* sql) {
  const int result = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) throw_sqlite_error(result, database_, "cannot read", path_);
}

void Connection::begin_read(LockWait& wait) {
  execute("BEGIN");
  try {
    // Reads the header and no table, so that a schema which this version of SQLite can't parse does
    // not stand in the way of a backup.
    for (;;) {
      const int result =
          sqlite3_exec(database_, "PRAGMA schema_version", nullptr, nullptr, nullptr);
      if (result == SQLITE_OK) break;
      if (!is_busy(result)) throw_sqlite_error(result, database_, "cannot read", path_);
      if (!wait.again()) throw_locked(path_, wait);
    }
  } catch (...) {
    sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

void Connection::end_read() {
  execute("COMMIT");
}

bool Connection::is_wal() {
  // The file of the log, when SQLite has one open. PRAGMA journal_mode would parse the schema, and
  // the header says what the last checkpoint found.
  sqlite3_file* journal = nullptr;
  sqlite3_file_control(database_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &journal);
  return journal != nullptr && journal->pMethods != nullptr;
}

std::uint64_t Connection::wal_bytes() {
  struct stat status {};
  const char* wal = sqlite3_filename_wal(sqlite3_db_filename(database_, "main"));
  return ::stat(wal, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

std::uint64_t Connection::file_bytes() {
  sqlite3_int64 bytes = 0;
  const int result = file_->pMethods->xFileSize(file_, &bytes);
  if (result != SQLITE_OK) throw_sqlite_error(result, nullptr, "cannot read", path_);
  return static_cast<std::uint64_t>(bytes);
}

bool Connection::read_file(MutableByteView out, std::uint64_t offset) {
  const int result = file_->pMethods->xRead(file_, out.data(), static_cast<int>(out.size()),
                                            static_cast<sqlite3_int64>(offset));
  if (result == SQLITE_IOERR_SHORT_READ) return false;
  if (result != SQLITE_OK) throw_sqlite_error(result, nullptr, "cannot read", path_);
  return true;
}

bool Connection::moved() {
  int moved = 0;
  sqlite3_file_control(database_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

void Connection::back_up(sqlite3* into, int pages_per_step, LockWait& wait,
                         const std::function<void()>& after_step) {
  const std::unique_ptr<sqlite3_backup, int (*)(sqlite3_backup*)> backup(
      sqlite3_backup_init(into, "main", database_, "main"), sqlite3_backup_finish);
  if (!backup) throw_sqlite_error(sqlite3_extended_errcode(into), into, "cannot copy", path_);
  for (;;) {
    const int result = sqlite3_backup_step(backup.get(), pages_per_step);
    if (result == SQLITE_DONE) return;
    if (result == SQLITE_OK) {
      after_step();
    } else if (!is_busy(result)) {
      throw_sqlite_error(result, nullptr, "cannot copy", path_);
    } else if (!wait.again()) {
      throw_locked(path_, wait);
    }
  }
}

}  // namespace salvor::stores::sqlite
