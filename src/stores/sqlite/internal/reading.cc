#include "stores/sqlite/internal/reading.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "stores/sqlite/internal/connection.h"
#include "stores/sqlite/internal/wreck.h"

namespace salvor::stores::sqlite {
namespace {

namespace fs = std::filesystem;

constexpr int kBusyWaitMs = 10'000;
constexpr int kStepsBetweenQuestions = 10'000;
constexpr std::size_t kProblemsNamedMax = 20;

int may(void*, int action, const char* first, const char* second, const char*, const char*) {
  // Pragmas that tell something; those of the second list would set it, given a value.
  constexpr std::array<std::string_view, 12> kTelling = {
      "table_info",        "table_xinfo",   "table_list",       "index_list",
      "index_info",        "index_xinfo",   "quick_check",      "integrity_check",
      "foreign_key_check", "database_list", "foreign_key_list", "collation_list"};
  constexpr std::array<std::string_view, 11> kTellingAlone = {
      "user_version", "schema_version", "application_id", "journal_mode",
      "page_count",   "page_size",      "freelist_count", "encoding",
      "auto_vacuum",  "foreign_keys",   "data_version"};
  const auto has = [&](const auto& names) {
    return first != nullptr && std::ranges::find(names, first) != names.end();
  };
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_PRAGMA:
      return has(kTelling) || (second == nullptr && has(kTellingAlone)) ? SQLITE_OK : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

}  // namespace

std::string immutable_uri(const fs::path& path) {
  const fs::path absolute = fs::absolute(path);
  std::string uri = "file://";
  for (const char c : absolute.native()) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = std::isalnum(byte) != 0 || c == '/' || c == '-' || c == '_' || c == '.';
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return uri + "?immutable=1";
}

Reading::Reading(const fs::path& database, bool nobody_writes, std::stop_token stop)
    : path_(fs::absolute(database)), stop_(std::move(stop)) {
  const bool alone = nobody_writes && !has_content(path_.native() + "-wal") &&
                     !has_content(path_.native() + "-journal");
  if (!fs::exists(path_)) {
    throw Error(ErrorCode::not_found,
                "cannot read " + printable(path_.native()) + ": no such file");
  }
  require_readable(path_);
  int result =
      sqlite3_open_v2(alone ? immutable_uri(path_).c_str() : path_.c_str(), &database_,
                      (alone ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE) |
                          SQLITE_OPEN_NOMUTEX,
                      nullptr);
  if (result == SQLITE_OK) {
    sqlite3_extended_result_codes(database_, 1);
    sqlite3_busy_timeout(database_, kBusyWaitMs);
    result = sqlite3_exec(database_, "PRAGMA query_only = 1; PRAGMA mmap_size = 0", nullptr,
                          nullptr, nullptr);
  }
  if (result != SQLITE_OK) {
    const std::unique_ptr<sqlite3, int (*)(sqlite3*)> owner(database_, sqlite3_close);
    throw_sqlite_error(result, database_, "cannot read", path_);
  }
  // The log is the application's: closing must not copy it into the database.
  if (has_content(path_.native() + "-wal")) {
    sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
  sqlite3_set_authorizer(database_, &may, nullptr);
  const auto is_stopped = [](void* token) {
    return static_cast<const std::stop_token*>(token)->stop_requested() ? 1 : 0;
  };
  sqlite3_progress_handler(database_, kStepsBetweenQuestions, is_stopped,
                           const_cast<std::stop_token*>(&stop_));
}

Reading::~Reading() {
  sqlite3_close(database_);
}

void Reading::fail(int result, bool preparing) const {
  const int primary = result & 0xff;
  if (primary == SQLITE_INTERRUPT) {
    throw Error(ErrorCode::cancelled, "the statement was stopped");
  }
  if (primary == SQLITE_ERROR && !preparing) {
    throw NotAskable(ErrorCode::failed,
                     "cannot run the statement: " + printable(sqlite3_errmsg(database_)));
  }
  if (primary == SQLITE_AUTH || primary == SQLITE_ERROR) {
    throw NotAskable(ErrorCode::usage,
                     "cannot run the statement: " + printable(sqlite3_errmsg(database_)),
                     "give one statement that only reads");
  }
  throw_sqlite_error(result, database_, "cannot read", path_);
}

void Reading::query(const std::string& sql,
                    const std::function<bool(const SqlAccess::Row&)>& visit) {
  const auto prepare = [&](const char* text, const char** rest) {
    sqlite3_stmt* made = nullptr;
    const int result = sqlite3_prepare_v2(database_, text, -1, &made, rest);
    Statement statement(made);
    if (result != SQLITE_OK) fail(result, true);
    return statement;
  };
  const char* rest = nullptr;
  const Statement statement = prepare(sql.c_str(), &rest);
  const bool is_one = statement != nullptr && prepare(rest, nullptr) == nullptr;
  if (!is_one || sqlite3_stmt_readonly(statement.get()) == 0) {
    throw Error(ErrorCode::usage,
                "found " +
                    std::string(is_one ? "a statement that writes" : "none or several statements") +
                    ", expected one that reads",
                "give one SELECT");
  }
  const int columns = sqlite3_column_count(statement.get());
  while (true) {
    const int result = sqlite3_step(statement.get());
    if (result == SQLITE_DONE) return;
    if (result != SQLITE_ROW) fail(result, false);
    SqlAccess::Row row(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), i));
      const int bytes = sqlite3_column_bytes(statement.get(), i);
      if (text != nullptr) row[static_cast<std::size_t>(i)].emplace(text, text + bytes);
    }
    if (!visit(row)) return;
  }
}

namespace {

/// What each row of a sound database says; or that there is none.
struct Question {
  const char* name;
  const char* sql;
  const char* expected;
};

/// Asks, and yields how many problems were told, at most `problems_max`.
std::size_t ask(Reading& reading, const Question& question, std::size_t problems_max,
                std::string& found) {
  std::size_t problems = 0;
  reading.query(question.sql, [&](const SqlAccess::Row& row) {
    std::string line;
    for (const auto& value : row) line += (line.empty() ? "" : " ") + value.value_or("NULL");
    if (line == question.expected) return true;
    if (++problems <= kProblemsNamedMax) found += (found.empty() ? "" : "\n") + printable(line);
    return problems < problems_max;
  });
  return problems;
}

/// How many rows broke a foreign key in the database that was backed up.
std::size_t broken_rows_then(const Target::Facts& source) {
  const auto fact = source.find("foreign_key_rows");
  std::size_t rows = 0;
  if (fact == source.end()) return rows;
  const std::string& text = fact->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rows);
  return error == std::errc() && end == text.data() + text.size() ? rows : 0;
}

}  // namespace

std::vector<SelfCheck> check_database(const fs::path& database, bool nobody_writes,
                                      std::stop_token stop, const Target::Facts& source) {
  constexpr std::array<Question, 2> kQuestions = {
      Question{"integrity_check", "PRAGMA integrity_check", "ok"},
      Question{"foreign_key_check", "PRAGMA foreign_key_check", "no row"}};
  std::vector<SelfCheck> checks;
  for (const Question& question : kQuestions) {
    const bool of_rows = &question != &kQuestions.front();
    const std::size_t before = of_rows ? broken_rows_then(source) : 0;
    SelfCheck check{question.name, false, question.expected, {}, false};
    try {
      Reading reading(database, nobody_writes, stop);
      const std::size_t problems =
          ask(reading, question, std::max(kProblemsNamedMax, before + 1), check.found);
      check.passed = problems <= before;
      if (problems == 0) check.found = question.expected;
      if (check.passed && problems > 0) {
        check.found = fmt::format("{} rows break a foreign key, and {} did in the source:\n{}",
                                  problems, before, check.found);
      }
    } catch (const NotAskable& error) {
      check.not_run = true;
      check.found = error.message();
    } catch (const Error& error) {
      check.found = error.message();
    }
    checks.push_back(std::move(check));
  }
  return checks;
}

bool refuses_writes(const fs::path& database) {
  if (!wreck_at(database).empty()) return true;
  sqlite3* opened = nullptr;
  int result = sqlite3_open_v2(fs::absolute(database).c_str(), &opened,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> owner(opened, sqlite3_close);
  if (result == SQLITE_OK) {
    sqlite3_extended_result_codes(opened, 1);
    if (has_content(database.native() + "-wal")) {
      sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    }
    result = sqlite3_exec(opened, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
  }
  switch (result & 0xff) {
    case SQLITE_OK:
      sqlite3_exec(opened, "ROLLBACK", nullptr, nullptr, nullptr);
      return false;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return true;
    default:
      throw_sqlite_error(result, opened, "cannot try to write to", database);
  }
}

}  // namespace salvor::stores::sqlite
