#include "stores/sqlite/internal/wreck.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "stores/sqlite/internal/connection.h"
#include "stores/sqlite/internal/stand_alone.h"

namespace salvor::stores::sqlite {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic("SQLite format 3\0", 16);

}  // namespace

bool has_content(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && status.st_size > 0;
}

Bytes head_of(const fs::path& database) {
  // A relative path that begins with "file:" would be taken for a URI.
  const fs::path path = fs::absolute(database);
  if (!fs::exists(path)) {
    throw Error(ErrorCode::not_found, "cannot read " + printable(path.native()) + ": no such file");
  }
  sqlite3* opened = nullptr;
  int result =
      sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> owner(opened, sqlite3_close);
  sqlite3_file* file = nullptr;
  sqlite3_int64 bytes = 0;
  if (result == SQLITE_OK) {
    sqlite3_file_control(opened, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    result = file->pMethods->xFileSize(file, &bytes);
  }
  Bytes head(static_cast<std::size_t>(
      std::min<sqlite3_int64>(bytes, static_cast<sqlite3_int64>(kMagic.size()))));
  if (result == SQLITE_OK && !head.empty()) {
    result = file->pMethods->xRead(file, head.data(), static_cast<int>(head.size()), 0);
  }
  if (result != SQLITE_OK) throw_sqlite_error(result, opened, "cannot read", path);
  return head;
}

std::string wreck_of(ByteView head, const fs::path& database) {
  if (head.empty()) {
    for (const char* suffix : {"-wal", "-journal"}) {
      if (!has_content(database.native() + suffix)) continue;
      return "the file is empty, and has a " + std::string(suffix) + " file beside it";
    }
    return "";
  }
  return as_text(head) == kMagic ? "" : "it is no SQLite database, or an encrypted one";
}

std::string wreck_at(const fs::path& database) {
  return wreck_of(head_of(database), database);
}

bool is_being_replaced(const fs::path& database) {
  return as_text(head_of(database)) == kPoison;
}

void require_one_name(const fs::path& database) {
  struct stat status {};
  if (::stat(database.c_str(), &status) != 0 || status.st_nlink <= 1) return;
  throw Error(ErrorCode::refused,
              "the database " + printable(database.native()) + " has " +
                  std::to_string(status.st_nlink) +
                  " names (hard links): what is written under another one is not in its log",
              "find them with find -samefile, and make a copy of its own of each but one (cp)");
}

void require_readable(const fs::path& database) {
  const std::string wreck = wreck_at(database);
  if (wreck.empty()) return;
  throw NotReadable(ErrorCode::failed, "cannot read " + printable(database.native()) + ": " + wreck,
                    "name the file of a SQLite database; restore a damaged one from a recovery "
                    "point");
}

}  // namespace salvor::stores::sqlite
