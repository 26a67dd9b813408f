#include "stores/sqlite/internal/stand_alone.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/fd.h"
#include "codec/wire.h"
#include "stores/disk/exchange.h"
#include "stores/sqlite/internal/connection.h"
#include "stores/sqlite/internal/wreck.h"

namespace salvor::stores::sqlite {
namespace {

namespace fs = std::filesystem;

static_assert(kPoison.size() == 16);
/// The magic, and with it the change counter (at 24): a connection that sees another counter reads
/// the first page again, and finds no magic.
constexpr std::size_t kPoisonedBytes = 28;
constexpr std::size_t kCounterAt = 24;
constexpr std::uint64_t kPoisonNoteBytesMax = 4096;

using PoisonedHeader = std::array<std::byte, kPoisonedBytes>;

fs::path note_of(const fs::path& workplace, const struct stat& status) {
  return workplace / ("header-" + std::to_string(status.st_ino));
}

Bytes read_head(int fd, const fs::path& database) {
  Bytes head(kPoisonedBytes);
  head.resize(pread_some(fd, head, 0, database.native()));
  return head;
}

bool is_poisoned(ByteView head) {
  return as_text(head).starts_with(kPoison);
}

}  // namespace

bool make_stand_alone(const fs::path& database) {
  if (!wreck_at(database).empty()) return false;
  sqlite3* opened = nullptr;
  int result = sqlite3_open_v2(fs::absolute(database).c_str(), &opened,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, "unix-none");
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> owner(opened, sqlite3_close);
  // In exclusive mode the log needs no -shm file; reading rolls back a hot journal; and the last
  // connection to close removes the log.
  constexpr const char* kStatements =
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; PRAGMA schema_version;"
      "PRAGMA wal_checkpoint(TRUNCATE)";
  if (result == SQLITE_OK) {
    sqlite3_extended_result_codes(opened, 1);
    // Nor does it remove the log of a database that it can't read.
    sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    result = sqlite3_exec(opened, kStatements, nullptr, nullptr, nullptr);
  }
  if (result == SQLITE_OK) {
    sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
    return true;
  }
  const int primary = result & 0xff;
  if (primary == SQLITE_NOTADB || primary == SQLITE_CORRUPT) return false;
  throw_sqlite_error(result, opened, "cannot complete", database);
}

void poison(const fs::path& database, const fs::path& workplace) {
  const Fd fd = open_file(database, O_RDWR | O_NOFOLLOW);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) throw_system_error("cannot read", database.native(), errno);
  const Bytes head = read_head(fd.get(), database);
  if (is_poisoned(head)) return;
  codec::WireWriter note;
  note.zigzag(status.st_mtim.tv_sec);
  note.zigzag(status.st_mtim.tv_nsec);
  note.bytes(head);
  write_file_atomically(note_of(workplace, status), note.view());
  PoisonedHeader poisoned{};
  std::ranges::copy(head, poisoned.begin());
  std::ranges::copy(as_bytes(kPoison), poisoned.begin());
  for (std::size_t i = kCounterAt; i < kPoisonedBytes; ++i) poisoned[i] = ~poisoned[i];
  pwrite_all(fd.get(), poisoned, 0, database.native());
  sync_file(fd.get(), database.native());
}

void unpoison(const fs::path& database, const fs::path& workplace) {
  const Fd fd = open_file(database, O_RDWR | O_NOFOLLOW);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) throw_system_error("cannot read", database.native(), errno);
  if (!is_poisoned(read_head(fd.get(), database))) return;
  const Bytes bytes = read_file(note_of(workplace, status), kPoisonNoteBytesMax);
  codec::WireReader note(bytes, "the header of a database that was replaced");
  const timespec mtime{note.zigzag(), note.zigzag()};
  const ByteView head = note.bytes(kPoisonedBytes);
  note.expect_end();
  // All but the magic first: killed in between, it is poisoned still.
  constexpr std::size_t kMagicBytes = kPoison.size();
  if (head.size() == kPoisonedBytes) {
    pwrite_all(fd.get(), head.subspan(kMagicBytes), kMagicBytes, database.native());
    sync_file(fd.get(), database.native());
    pwrite_all(fd.get(), head.first(kMagicBytes), 0, database.native());
  } else {
    pwrite_all(fd.get(), head, 0, database.native());
    if (ftruncate(fd.get(), static_cast<off_t>(head.size())) != 0) {
      throw_system_error("cannot shorten", database.native(), errno);
    }
  }
  const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, mtime};
  if (futimens(fd.get(), times.data()) != 0) {
    throw_system_error("cannot set the times of", database.native(), errno);
  }
  sync_file(fd.get(), database.native());
}

}  // namespace salvor::stores::sqlite
