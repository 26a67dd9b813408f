#include "stores/sqlite/internal/copy.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "base/error.h"
#include "base/fd.h"
#include "stores/disk/attributes.h"
#include "stores/sqlite/internal/connection.h"
#include "stores/sqlite/internal/mirror.h"
#include "stores/sqlite/internal/wreck.h"

namespace salvor::stores::sqlite {
namespace {

// How often the lock is given up and taken again for a database that can't be compared in time.
constexpr int kLockRoundsMax = 4;
constexpr std::uint64_t kStepBytes = 16 << 20;
// Two changes within one tick of the file system's clock leave the same times.
constexpr std::int64_t kRacyNs = 2'000'000'000;

constexpr std::size_t kHeaderBytes = 100;
using HeaderBytes = std::array<std::byte, kHeaderBytes>;

/// The header of the file format: https://www.sqlite.org/fileformat2.html
struct Header {
  std::uint64_t page_bytes = 0;
  std::uint64_t pages = 0;  ///< 0: not known; a writer older than SQLite 3.7 does not count them
};

std::uint32_t big_endian(const HeaderBytes& bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = (value << 8) | std::to_integer<std::uint32_t>(bytes[at + i]);
  }
  return value;
}

std::optional<Header> parse(const HeaderBytes& bytes) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  if (as_text(bytes).substr(0, kMagic.size()) != kMagic) return std::nullopt;
  Header header;
  header.page_bytes = big_endian(bytes, 16, 2);
  if (header.page_bytes == 1) header.page_bytes = 65536;
  const bool power_of_two = (header.page_bytes & (header.page_bytes - 1)) == 0;
  if (header.page_bytes < 512 || !power_of_two) return std::nullopt;
  const bool counted = big_endian(bytes, 24, 4) == big_endian(bytes, 92, 4);
  if (counted) header.pages = big_endian(bytes, 28, 4);
  return header;
}

/// How much of the file belongs to the database: some writers make the file larger ahead of time.
std::uint64_t database_bytes(Connection& source) {
  const std::uint64_t file_bytes = source.file_bytes();
  HeaderBytes bytes{};
  if (!source.read_file(bytes, 0)) return file_bytes;
  const std::optional<Header> header = parse(bytes);
  if (!header || header->pages == 0) return file_bytes;
  return std::min(file_bytes, header->pages * header->page_bytes);
}

Time time_of(const timespec& time) {
  return Time{std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec};
}

/// What can be said cheaply against a copy: it is a bug, or a writer that ignores locks, if so.
void verify_copy(const Spool& spool, const std::filesystem::path& database, Copy& copy) {
  struct stat status {};
  if (::fstat(spool.fd(), &status) != 0) {
    throw_system_error("cannot read the spool directory", spool.directory().native(), errno);
  }
  copy.entry.size = static_cast<std::uint64_t>(status.st_size);
  if (copy.entry.size == 0) return;
  HeaderBytes bytes{};
  const std::size_t count = pread_some(spool.fd(), bytes, 0, spool.directory().native());
  const std::optional<Header> header = count == bytes.size() ? parse(bytes) : std::nullopt;
  if (!header) {
    throw NotReadable(
        ErrorCode::failed,
        fmt::format("the copy of {} has no valid header", printable(database.native())),
        "find the program that writes to the file without SQLite's locks");
  }
  copy.page_bytes = header->page_bytes;
  copy.pages = header->pages != 0 ? header->pages : copy.entry.size / header->page_bytes;
  if (header->pages != 0 && copy.entry.size != header->pages * header->page_bytes) {
    throw NotReadable(ErrorCode::failed,
                      fmt::format("the copy of {} has {} bytes, expected {} pages of {} bytes",
                                  printable(database.native()), copy.entry.size, header->pages,
                                  header->page_bytes),
                      "check the database with PRAGMA integrity_check");
  }
}

void refuse_moved(bool moved, const std::filesystem::path& database) {
  if (!moved) return;
  throw Error(ErrorCode::conflict,
              fmt::format("{} was replaced by another file while it was copied",
                          printable(database.native())),
              "run the command again")
      .as_retryable();
}

/// In WAL mode a reader holds up nobody, so the read transaction is kept for as long as it takes.
void back_up_wal(Connection& source, Spool& spool, LockWait& wait, Copy& copy) {
  copy.journal_mode = "wal";
  copy.method = "online-backup";
  // The log may hold what the file does not, so that the file's times prove nothing.
  copy.entry.racy = true;
  spool.clear();
  spool.require_free(source.file_bytes() + source.wal_bytes());
  HeaderBytes bytes{};
  source.read_file(bytes, 0);
  const std::optional<Header> header = parse(bytes);
  const std::uint64_t page_bytes = header ? header->page_bytes : 4096;
  source.back_up(spool.database(), static_cast<int>(kStepBytes / page_bytes), wait,
                 [&spool] { spool.flush(); });
}

class RollbackCopy {
 public:
  RollbackCopy(const CopyOptions& options, Connection& source, Spool& spool, LockWait& wait)
      : options_(options),
        source_(source),
        spool_(spool),
        wait_(wait),
        mirror_(source, spool, options.clock) {}

  /// False, in a read transaction, when the database has come to WAL mode meanwhile.
  bool run(Copy& copy) {
    copy.journal_mode = "rollback";
    copy.method = "locked-copy";
    spool_.require_free(source_.file_bytes());
    for (;;) {
      mirror_.run_unlocked();
      source_.begin_read(wait_);
      if (source_.is_wal()) return false;
      ++copy.lock_rounds;
      const Time locked = options_.clock.monotonic();
      const bool done = try_locked(copy, locked);
      source_.end_read();
      const std::int64_t held_ns = options_.clock.monotonic().ns - locked.ns;
      copy.lock_held_ms = std::max(copy.lock_held_ms, held_ns / 1'000'000);
      if (done) return true;
    }
  }

 private:
  bool try_locked(Copy& copy, Time locked) {
    copy.entry = entry_of(options_.database);
    const std::int64_t newest_ns = std::max(copy.entry.mtime.ns, copy.entry.ctime.ns);
    copy.entry.racy = newest_ns > options_.clock.now().ns - kRacyNs;
    std::optional<Time> deadline;
    if (copy.lock_rounds < kLockRoundsMax) {
      deadline = Time{locked.ns + options_.lock_hold_ms_max * 1'000'000};
    }
    const bool done = mirror_.run_locked(database_bytes(source_), deadline);
    if (done) refuse_moved(mirror_.moved(), options_.database);
    return done;
  }

  const CopyOptions& options_;
  Connection& source_;
  Spool& spool_;
  LockWait& wait_;
  Mirror mirror_;
};

}  // namespace

Entry entry_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) throw_system_error("cannot read", path.native(), errno);
    throw Error(ErrorCode::not_found,
                fmt::format("cannot read {}: no such file", printable(path.native())),
                "correct the path of the database, or take the store out of the configuration");
  }
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    throw Error(ErrorCode::failed,
                fmt::format("cannot read {}: expected a file", printable(path.native())),
                "name the file of a SQLite database");
  }
  Entry entry;
  entry.kind = S_ISDIR(status.st_mode) ? EntryKind::directory : EntryKind::file;
  entry.mode = status.st_mode & 07777;
  entry.uid = status.st_uid;
  entry.gid = status.st_gid;
  entry.size = S_ISDIR(status.st_mode) ? 0 : static_cast<std::uint64_t>(status.st_size);
  entry.mtime = time_of(status.st_mtim);
  entry.ctime = time_of(status.st_ctim);
  entry.inode = status.st_ino;
  entry.device = status.st_dev;
  if (entry.kind == EntryKind::file) {
    // By the path: to close a descriptor of a database would drop all locks of this process.
    entry.attributes = disk::read_attributes(path.native());
  }
  return entry;
}

Copy copy_database(const CopyOptions& options, Spool& spool) {
  Copy copy;
  copy.entry = entry_of(options.database);
  if (copy.entry.kind != EntryKind::file) {
    throw Error(ErrorCode::failed,
                fmt::format("cannot read {}: found a directory, expected a database file",
                            printable(options.database.native())),
                "name the file of a SQLite database");
  }
  require_one_name(options.database);
  require_readable(options.database);
  Connection source(options.database);
  LockWait wait(options.clock, options.lock_wait_ms_max);
  source.begin_read(wait);
  bool wal = source.is_wal();
  if (!wal) {
    source.end_read();
    wal = !RollbackCopy(options, source, spool, wait).run(copy);
  }
  if (wal) {
    copy.entry = entry_of(options.database);
    back_up_wal(source, spool, wait, copy);
    refuse_moved(source.moved(), options.database);
    source.end_read();
  }
  spool.close_database();
  spool.flush();
  verify_copy(spool, options.database, copy);
  return copy;
}

}  // namespace salvor::stores::sqlite
