#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

/// SQLite, as far as the catalog needs it. Its header stays out of every other source.
///     Statement query(database, "SELECT state FROM runs WHERE id = ?");
///     query.bind(id);
///     while (query.step()) use(query.text(0));
namespace salvor::catalog {

class Database;

/// One SQL statement with its parameters, and the row at which it stands. Columns count from 0.
/// Errors:   as Database.
/// Threads:  one.
/// Lifetime: shorter than its Database's.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  /// Binds the next parameter. The value is copied.
  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);
  Statement& bind(double number);
  Statement& bind_null();

  /// Moves to the next row; false at the end. A statement that changes something needs one call.
  bool step();

  /// A column of the current row. NULL reads as empty, or 0.
  std::string text(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  bool is_null(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

/// The file that marks the database at `path` as suspect. It is made when damage is met, so that
/// the next process that opens the database checks all of it.
std::filesystem::path suspicion_of(const std::filesystem::path& path);

/// A connection to a SQLite file. Move only.
/// Errors:   of all calls here and in Statement: corruption (it is no database, or is damaged);
///           no_space; conflict, retryable (locked for longer than 10 s); failed.
/// Threads:  one at a time, its statements included.
/// Lifetime: the destructor closes the connection.
class Database {
 public:
  /// Opens a file that exists already, so that the caller chooses its mode. An empty file is a new
  /// database.
  explicit Database(const std::filesystem::path& path);
  Database(Database&& other) noexcept;
  Database& operator=(Database&&) = delete;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  /// Runs statements that return nothing, separated by ';'.
  void execute(const std::string& sql);

  /// Throws what a result code of SQLite means. Damage is noted at suspicion_of().
  [[noreturn]] void fail(int result) const;

  sqlite3* handle() { return handle_; }

 private:
  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
};

}  // namespace salvor::catalog
