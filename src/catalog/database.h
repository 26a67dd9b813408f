#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace salvor::catalog {

class Database;

/// One SQL statement with its parameters and the row it stands at.
/// Threads: one.   Lifetime: shorter than its Database's.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  /// Binds the next parameter.
  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);
  Statement& bind(double number);
  Statement& bind_null();

  /// The next row; false at the end. A statement that changes something needs one call.
  bool step();

  std::string text(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  bool is_null(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

/// A file that is there from the moment that damage is met in the database at `path`, so that who
/// opens it next looks at all of it.
std::filesystem::path suspicion_of(const std::filesystem::path& path);

/// A connection to a SQLite file.
/// Errors:  of all calls here and in Statement: corruption (not a database, or damaged); no_space;
///          conflict, retryable (locked for longer than 10 s); failed.
/// Threads: one at a time, its statements included.
/// Lifetime: closed when it goes.
class Database {
 public:
  /// `path` exists already (an empty file is a new database), so that its mode is ours to choose.
  explicit Database(const std::filesystem::path& path);
  Database(Database&& other) noexcept;
  Database& operator=(Database&&) = delete;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  /// Runs statements that return nothing.
  void execute(const std::string& sql);

  /// Throws what SQLite's result code means. Damage is noted (suspicion_of()).
  [[noreturn]] void fail(int result) const;

  sqlite3* handle() { return handle_; }

 private:
  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
};

}  // namespace salvor::catalog
