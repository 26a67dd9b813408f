#include <fmt/format.h>
#include <sqlite3.h>

#include <memory>

#include "base/error.h"
#include "stores/sqlite/internal/connection.h"
#include "stores/sqlite/internal/wreck.h"
#include "stores/sqlite/sqlite.h"

namespace salvor::stores {
namespace {

constexpr const char* kMakeTable =
    "CREATE TABLE IF NOT EXISTS salvor_canary"
    " (service TEXT, store TEXT, nonce TEXT, time TEXT, signature TEXT)";
constexpr const char* kInsert = "INSERT INTO salvor_canary VALUES (?, ?, ?, ?, ?)";
constexpr const char* kHasTable =
    "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'salvor_canary'";
constexpr const char* kSelect =
    "SELECT service, store, nonce, time, signature FROM salvor_canary LIMIT 1";

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
using OwnedDatabase = std::unique_ptr<sqlite3, CloseDatabase>;

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using OwnedStatement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

/// Throws unless `result` is SQLITE_OK.
class Checked {
 public:
  Checked(sqlite3* database, std::string_view action, const std::filesystem::path& path)
      : database_(database), action_(action), path_(path) {}

  void operator()(int result) const {
    if (result == SQLITE_OK) return;
    sqlite::throw_sqlite_error(sqlite3_extended_errcode(database_), database_, action_, path_);
  }

  void execute(const char* sql) const {
    (*this)(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr));
  }

 private:
  sqlite3* database_;
  std::string_view action_;
  const std::filesystem::path& path_;
};

void insert(sqlite3* database, const Marker& marker, const Checked& check) {
  sqlite3_stmt* prepared = nullptr;
  check(sqlite3_prepare_v2(database, kInsert, -1, &prepared, nullptr));
  const OwnedStatement statement(prepared);
  int column = 0;
  for (const std::string* value :
       {&marker.service, &marker.store, &marker.nonce, &marker.time, &marker.signature}) {
    check(sqlite3_bind_text(prepared, ++column, value->data(), static_cast<int>(value->size()),
                            SQLITE_STATIC));
  }
  const int result = sqlite3_step(prepared);
  check(result == SQLITE_DONE ? SQLITE_OK : result);
}

/// A column may hold anything.
std::string plain(const std::optional<std::string>& value) {
  return value && value->size() <= kMarkerBytesMax ? *value : std::string();
}

}  // namespace

void plant_sqlite_marker(const std::filesystem::path& database, const Marker& marker,
                         std::int64_t lock_wait_ms_max) {
  sqlite::require_readable(database);
  if (sqlite::head_of(database).empty()) {
    // What is planted there would make a database of it, and all would look well.
    throw Error(ErrorCode::failed,
                "cannot write a canary to " + printable(database.native()) + ": the file is empty");
  }
  sqlite3* opened = nullptr;
  const int result = sqlite3_open_v2(database.c_str(), &opened,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  const OwnedDatabase owner(opened);
  const Checked check(opened, "cannot write a canary to", database);
  check(result);
  // Do not checkpoint: a database that can't be written to keeps its log.
  sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  check(sqlite3_busy_timeout(opened, static_cast<int>(lock_wait_ms_max)));
  // Closing the connection rolls back what was not committed.
  check.execute("BEGIN IMMEDIATE");
  check.execute(kMakeTable);
  check.execute("DELETE FROM salvor_canary");
  insert(opened, marker, check);
  check.execute("COMMIT");
  sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

std::optional<Marker> read_sqlite_marker(SqlAccess& database, const std::stop_token& stop) {
  bool planted = false;
  database.query(kHasTable, stop, [&](const SqlAccess::Row&) {
    planted = true;
    return false;
  });
  std::optional<Marker> marker;
  if (!planted) return marker;
  database.query(kSelect, stop, [&](const SqlAccess::Row& row) {
    marker = Marker{plain(row.at(0)), plain(row.at(1)), plain(row.at(2)), plain(row.at(3)),
                    plain(row.at(4))};
    return false;
  });
  return marker;
}

}  // namespace salvor::stores
