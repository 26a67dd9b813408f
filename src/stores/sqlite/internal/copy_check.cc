#include "stores/sqlite/internal/copy_check.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cstring>
#include <memory>
#include <mutex>

#include "base/error.h"
#include "base/fd.h"

namespace salvor::stores::sqlite {
namespace {

constexpr const char* kVfs = "salvor-descriptor";

/// What is asked, and until when.
struct Asked {
  int fd;
  std::stop_token stop;
};

/// A file of SQLite's that is somebody's descriptor, for reading only. SQLite knows it as C does.
struct DescriptorFile {
  sqlite3_file base;
  const Asked* asked;
};

const Asked& asked_of(sqlite3_file* file) {
  return *reinterpret_cast<DescriptorFile*>(file)->asked;
}

int close_nothing(sqlite3_file*) {
  return SQLITE_OK;
}

int read_at(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
  const auto size = static_cast<std::size_t>(count);
  const Asked& asked = asked_of(file);
  // A check of all pages is one operation of SQLite's, in which it calls no progress handler.
  if (asked.stop.stop_requested()) return SQLITE_INTERRUPT;
  try {
    const MutableByteView out(static_cast<std::byte*>(to), size);
    const std::size_t had = pread_some(asked.fd, out, static_cast<std::uint64_t>(offset), "a copy");
    if (had == size) return SQLITE_OK;
    std::memset(out.data() + had, 0, size - had);
    return SQLITE_IOERR_SHORT_READ;
  } catch (const Error&) {
    return SQLITE_IOERR_READ;
  }
}

int write_never(sqlite3_file*, const void*, int, sqlite3_int64) {
  return SQLITE_READONLY;
}

int truncate_never(sqlite3_file*, sqlite3_int64) {
  return SQLITE_READONLY;
}

int size_of(sqlite3_file* file, sqlite3_int64* size) {
  struct stat status {};
  if (::fstat(asked_of(file).fd, &status) != 0) return SQLITE_IOERR_FSTAT;
  *size = status.st_size;
  return SQLITE_OK;
}

int with_flags(sqlite3_file*, int) {
  return SQLITE_OK;
}

int is_reserved(sqlite3_file*, int* reserved) {
  *reserved = 0;
  return SQLITE_OK;
}

int control_nothing(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}

int sector_bytes(sqlite3_file*) {
  return 4096;
}

int characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_IMMUTABLE;
}

int open_descriptor(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  static const sqlite3_io_methods methods = [] {
    sqlite3_io_methods made{};
    made.iVersion = 1;
    made.xClose = close_nothing;
    made.xRead = read_at;
    made.xWrite = write_never;
    made.xTruncate = truncate_never;
    made.xSync = with_flags;
    made.xFileSize = size_of;
    made.xLock = with_flags;
    made.xUnlock = with_flags;
    made.xCheckReservedLock = is_reserved;
    made.xFileControl = control_nothing;
    made.xSectorSize = sector_bytes;
    made.xDeviceCharacteristics = characteristics;
    return made;
  }();
  file->pMethods = nullptr;
  if (name == nullptr || (flags & SQLITE_OPEN_MAIN_DB) == 0) return SQLITE_CANTOPEN;
  const sqlite3_int64 asked = sqlite3_uri_int64(name, "asked", 0);
  if (asked == 0) return SQLITE_CANTOPEN;
  // An address of check_copy()'s, who outlives the connection.
  reinterpret_cast<DescriptorFile*>(file)->asked =
      reinterpret_cast<const Asked*>(static_cast<std::uintptr_t>(asked));
  file->pMethods = &methods;
  if (out_flags != nullptr) *out_flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
  return SQLITE_OK;
}

int delete_never(sqlite3_vfs*, const char*, int) {
  return SQLITE_READONLY;
}

int is_there(sqlite3_vfs*, const char*, int, int* there) {
  *there = 0;
  return SQLITE_OK;
}

int same_name(sqlite3_vfs*, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}

void register_vfs() {
  static std::once_flag once;
  static sqlite3_vfs vfs;
  std::call_once(once, [] {
    vfs = *sqlite3_vfs_find(nullptr);  // for time and randomness
    vfs.pNext = nullptr;
    vfs.zName = kVfs;
    vfs.szOsFile = sizeof(DescriptorFile);
    vfs.xOpen = open_descriptor;
    vfs.xDelete = delete_never;
    vfs.xAccess = is_there;
    vfs.xFullPathname = same_name;
    sqlite3_vfs_register(&vfs, 0);
  });
}

using Database = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;

/// Runs one statement; the first column of the first row goes to `first`, and the rows up to
/// `rows_max` are counted.
int ask(sqlite3* database, const char* sql, std::string& first, std::int64_t rows_max,
        std::int64_t& rows) {
  sqlite3_stmt* made = nullptr;
  int result = sqlite3_prepare_v2(database, sql, -1, &made, nullptr);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(made, sqlite3_finalize);
  if (result != SQLITE_OK) return result;
  rows = 0;
  while (rows < rows_max && (result = sqlite3_step(made)) == SQLITE_ROW) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(made, 0));
    if (rows++ == 0 && text != nullptr) first = text;
  }
  return result == SQLITE_ROW || result == SQLITE_DONE ? SQLITE_OK : result;
}

bool is_damage(int result) {
  const int primary = result & 0xff;
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_IOERR;
}

}  // namespace

CopyVerdict check_copy(int fd, const std::stop_token& stop) {
  register_vfs();
  sqlite3* opened = nullptr;
  Asked asked{fd, stop};
  const std::string uri =
      fmt::format("file:copy?asked={}", reinterpret_cast<std::uintptr_t>(&asked));
  int result = sqlite3_open_v2(uri.c_str(), &opened,
                               SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, kVfs);
  const Database database(opened, sqlite3_close);
  constexpr int kOperationsBetweenStops = 10'000;
  sqlite3_progress_handler(
      opened, kOperationsBetweenStops,
      [](void* of) { return static_cast<Asked*>(of)->stop.stop_requested() ? 1 : 0; }, &asked);
  CopyVerdict verdict;
  std::int64_t rows = 0;
  std::string first;
  // There is no other file that it may open.
  if (result == SQLITE_OK) {
    result = sqlite3_exec(opened, "PRAGMA temp_store = MEMORY", nullptr, nullptr, nullptr);
  }
  if (result == SQLITE_OK) result = ask(opened, "PRAGMA quick_check(1)", first, 1, rows);
  verdict.damaged = is_damage(result) || (result == SQLITE_OK && first != "ok");
  if (result != SQLITE_OK) {
    first = sqlite3_errmsg(opened);
    if (!verdict.damaged) first = "not run: " + first;
  }
  verdict.quick_check = first;
  std::string table;
  if (ask(opened, "PRAGMA foreign_key_check", table, kForeignKeyRowsMax, rows) == SQLITE_OK) {
    verdict.foreign_key_rows = rows;
  }
  if (stop.stop_requested()) {
    throw Error(ErrorCode::cancelled, "stopped while the copy of the database was checked");
  }
  return verdict;
}

}  // namespace salvor::stores::sqlite
