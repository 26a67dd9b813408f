#include "catalog/internal/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "base/fd.h"

namespace salvor::catalog {
namespace {

constexpr int kBusyTimeout_ms = 10'000;

}  // namespace

std::filesystem::path suspicion_of(const std::filesystem::path& path) {
  return path.native() + ".suspect";
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  const int result = sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()),
                                        &statement_, nullptr);
  if (result != SQLITE_OK) database.fail(result);
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

Statement& Statement::bind(std::string_view text) {
  // An empty view may have no address, which SQLite would take for NULL.
  const char* bytes = text.empty() ? "" : text.data();
  const int result =
      sqlite3_bind_text64(statement_, ++bound_, bytes, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (result != SQLITE_OK) database_.fail(result);
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  const int result = sqlite3_bind_int64(statement_, ++bound_, number);
  if (result != SQLITE_OK) database_.fail(result);
  return *this;
}

Statement& Statement::bind(double number) {
  const int result = sqlite3_bind_double(statement_, ++bound_, number);
  if (result != SQLITE_OK) database_.fail(result);
  return *this;
}

Statement& Statement::bind_null() {
  const int result = sqlite3_bind_null(statement_, ++bound_);
  if (result != SQLITE_OK) database_.fail(result);
  return *this;
}

bool Statement::step() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) database_.fail(result);
  return false;
}

std::string Statement::text(int column) const {
  const auto* bytes =
      static_cast<const char*>(sqlite3_column_blob(statement_, column));  // text without a copy
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? std::string() : std::string(bytes, size);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Database::Database(const std::filesystem::path& path) : path_(path) {
  const int result =
      sqlite3_open_v2(path.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  try {
    if (result != SQLITE_OK) fail(result);
    sqlite3_extended_result_codes(handle_, 1);
    sqlite3_busy_timeout(handle_, kBusyTimeout_ms);
  } catch (...) {
    sqlite3_close(handle_);
    throw;
  }
}

Database::Database(Database&& other) noexcept
    : path_(std::move(other.path_)), handle_(std::exchange(other.handle_, nullptr)) {}

Database::~Database() {
  sqlite3_close(handle_);
}

void Database::execute(const std::string& sql) {
  const int result = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) fail(result);
}

void Database::fail(int result) const {
  const std::string reason = handle_ == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(handle_);
  const std::string message =
      fmt::format("the catalog {}: {}", printable(path_.native()), printable(reason));
  constexpr int kPrimaryCode = 0xFF;
  switch (result & kPrimaryCode) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      // If that fails, the next process that finds the damage tries again.
      Fd(::open(suspicion_of(path_).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
      throw Error(ErrorCode::corruption, message,
                  "run the command again: a damaged catalog is set aside when it is opened");
    case SQLITE_FULL:
      throw Error(ErrorCode::no_space, message, "free some space there, or set another state_dir");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Error(ErrorCode::conflict, message, "another process holds it: try again")
          .as_retryable();
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      throw Error(ErrorCode::failed, message,
                  "make it writable for this user, or set another state_dir");
    default:
      throw Error(ErrorCode::failed, message);
  }
}

}  // namespace salvor::catalog
