#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "stores/target.h"

struct sqlite3;

namespace salvor::stores::sqlite {

/// The path as a URI that tells SQLite that nobody writes the file: no lock, no -shm.
std::string immutable_uri(const std::filesystem::path& path);

/// A connection that only reads, for checks and questions.
/// Threads: one.   Lifetime: the stop token is asked while a statement runs.
class Reading {
 public:
  /// `nobody_writes`: it is a copy; when it has no log and no journal, it is opened without a lock,
  /// and nothing is made beside it.
  /// Errors: not_found; failed.
  Reading(const std::filesystem::path& database, bool nobody_writes, std::stop_token stop);
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading();

  /// As Target::query().   Errors: NotAskable, too, which is one of those.
  void query(const std::string& sql, const std::function<bool(const SqlAccess::Row&)>& visit);

 private:
  [[noreturn]] void fail(int result, bool preparing) const;

  const std::filesystem::path path_;
  const std::stop_token stop_;
  sqlite3* database_ = nullptr;
};

/// What this version of SQLite can't ask without the application: a collation, a function or a
/// module of its own is missing.
class NotAskable : public Error {
 public:
  using Error::Error;
};

/// PRAGMA integrity_check and foreign_key_check, as Target::check().
std::vector<SelfCheck> check_database(const std::filesystem::path& database, bool nobody_writes,
                                      std::stop_token stop, const Target::Facts& source);

/// Whether a fresh connection that waits for nothing is refused a write transaction.
/// Errors: failed.
bool refuses_writes(const std::filesystem::path& database);

}  // namespace salvor::stores::sqlite
