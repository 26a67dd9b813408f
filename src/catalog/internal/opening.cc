#include "catalog/internal/opening.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"

namespace salvor::catalog::internal {
namespace {

/// Entry n brings a catalog from version n to n + 1. Entries are never changed, only added.
constexpr std::array<const char*, 4> kMigrations{R"sql(
CREATE TABLE runs (
  id           TEXT PRIMARY KEY,
  kind         TEXT NOT NULL,
  service      TEXT NOT NULL,
  state        TEXT NOT NULL,
  trigger      TEXT NOT NULL,
  started_ns   INTEGER NOT NULL,
  ended_ns     INTEGER,
  summary_json TEXT NOT NULL,
  error        TEXT NOT NULL,
  process      TEXT NOT NULL,
  pid_space    TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_service ON runs (service, kind, started_ns);
CREATE INDEX runs_by_start ON runs (started_ns);
CREATE INDEX runs_running ON runs (state) WHERE state = 'running';
CREATE TABLE heads (
  repository TEXT PRIMARY KEY,
  sequence   INTEGER NOT NULL
) STRICT;
)sql",
                                                 R"sql(
CREATE TABLE journals (
  run    TEXT NOT NULL,
  number INTEGER NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE steps (
  service  TEXT NOT NULL,
  kind     TEXT NOT NULL,
  step     TEXT NOT NULL,
  ended_ns INTEGER NOT NULL,
  seconds  REAL NOT NULL
) STRICT;
CREATE INDEX steps_by_service ON steps (service, step, ended_ns);
)sql",
                                                 R"sql(
ALTER TABLE runs ADD COLUMN repository TEXT NOT NULL DEFAULT '';
CREATE TABLE locations (
  location   TEXT PRIMARY KEY,
  repository TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql",
                                                 R"sql(
CREATE TABLE waiting_evidence (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,
  repository TEXT NOT NULL,
  service    TEXT NOT NULL,
  envelope   TEXT NOT NULL,
  reason     TEXT NOT NULL,
  after      INTEGER NOT NULL
) STRICT;
CREATE TABLE unwritten_runs (
  run        TEXT PRIMARY KEY,
  repository TEXT NOT NULL,
  service    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql"};

constexpr auto kVersion = static_cast<std::int64_t>(kMigrations.size());

/// Held while the file is opened. Of two processes that find it damaged, one sets it aside, and the
/// other finds the new file.
class OpeningLock {
 public:
  explicit OpeningLock(const std::filesystem::path& path)
      : fd_(open_file(path.native() + ".lock", O_RDWR | O_CREAT)) {
    while (::flock(fd_.get(), LOCK_EX) != 0) {
      if (errno != EINTR) throw_system_error("cannot lock", path.native(), errno);
    }
  }

 private:
  Fd fd_;
};

std::int64_t version_of(Database& database) {
  database.execute(
      "CREATE TABLE IF NOT EXISTS schema_version ("
      "version INTEGER PRIMARY KEY, applied_ns INTEGER NOT NULL) STRICT");
  Statement query(database, "SELECT coalesce(max(version), 0) FROM schema_version");
  query.step();
  return query.integer(0);
}

void migrate(Database& database, const std::filesystem::path& path, Clock& clock) {
  const std::int64_t found = version_of(database);
  if (found > kVersion) {
    throw Error(ErrorCode::configuration,
                fmt::format("the catalog {} is of version {}, expected at most {}",
                            printable(path.native()), found, kVersion),
                "a newer salvor wrote it: upgrade this one, or set another state_dir");
  }
  for (std::int64_t version = found; version < kVersion; ++version) {
    // When anything throws, closing the connection rolls this back.
    database.execute("BEGIN IMMEDIATE");
    database.execute(kMigrations[static_cast<std::size_t>(version)]);
    Statement(database, "INSERT INTO schema_version VALUES (?, ?)")
        .bind(version + 1)
        .bind(clock.now().ns)
        .step();
    database.execute("COMMIT");
  }
}

/// Makes an empty file where there is none, so that it, and SQLite's files beside it, get mode
/// 0600. One that exists is never opened here: this process may have it open already, and to close
/// a second descriptor would drop the locks of the first.
void make_file(const std::filesystem::path& path) {
  const Fd made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!made && errno != EEXIST) throw_system_error("cannot create", path.native(), errno);
}

bool has_content(const std::filesystem::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && status.st_size > 0;
}

bool lock_users(const Fd& users, int how, const std::filesystem::path& path) {
  while (::flock(users.get(), how) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) throw_system_error("cannot lock", path.native(), errno);
  }
  return true;
}

/// Every process that has a catalog open holds a lock on this file. `alone` is set to whether this
/// is the only one.
Fd join_users(const std::filesystem::path& path, bool& alone) {
  Fd users = open_file(path.native() + ".users", O_RDWR | O_CREAT);
  alone = lock_users(users, LOCK_EX | LOCK_NB, path);
  lock_users(users, LOCK_SH, path);
  return users;
}

/// Reads the whole file.   Errors: corruption.
void check_content(Database& database, const std::filesystem::path& path) {
  Statement check(database, "PRAGMA quick_check(1)");
  const bool answered = check.step();
  if (answered && check.text(0) == "ok") return;
  throw Error(ErrorCode::corruption,
              fmt::format("the catalog {} is damaged: {}", printable(path.native()),
                          answered ? printable(check.text(0)) : "no answer"));
}

OpenedDatabase open_and_check(const std::filesystem::path& path, Clock& clock) {
  make_file(path);
  bool alone = false;
  Fd users = join_users(path, alone);
  // The last process that closes a catalog removes its log. A log without a process was left by a
  // kill or a loss of power.
  const bool ended_uncleanly = alone && has_content(path.native() + "-wal");
  const std::filesystem::path suspicion = suspicion_of(path);
  const bool is_suspect = ::access(suspicion.c_str(), F_OK) == 0;
  Database database(path);
  if (ended_uncleanly || is_suspect) check_content(database, path);
  if (is_suspect) ::unlink(suspicion.c_str());
  database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  migrate(database, path, clock);
  return {std::move(users), std::move(database)};
}

/// A text that people can read, that sorts by time, and that fits a file name:
/// "20260203T040506.789012Z".
std::string stamp(Time time) {
  std::string text = format_time(time);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

void set_aside(const std::filesystem::path& path, Clock& clock) {
  const std::string suffix = ".damaged-" + stamp(clock.now());
  // Move the write-ahead log first: beside a new database it would be taken for the new one's.
  for (const std::string_view part : {"-wal", "-shm", ""}) {
    const std::string from = path.native() + std::string(part);
    const std::string to = path.native() + suffix + std::string(part);
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
      throw_system_error("cannot set aside the damaged catalog", from, errno);
    }
  }
  ::unlink(suspicion_of(path).c_str());
  log::warning("the catalog {} is damaged; salvor set it aside as {}{} and began a new one",
               printable(path.native()), printable(path.native()), suffix);
}

OpeningLock lock_opening(const std::filesystem::path& path) {
  try {
    make_private_directories(path.parent_path());
    return OpeningLock(path);
  } catch (const Error& error) {
    // The system's own words do not say which setting put the catalog there.
    if (error.code() == ErrorCode::no_space) throw;
    throw Error(ErrorCode::failed, "cannot open the catalog: " + error.message(),
                "make that directory writable for this user, or set another state_dir");
  }
}

}  // namespace

OpenedDatabase open_database(const std::filesystem::path& path, Clock& clock) {
  const OpeningLock lock = lock_opening(path);
  try {
    return open_and_check(path, clock);
  } catch (const Error& error) {
    // Handled here, not by the caller: a damaged catalog must not prevent a restore.
    if (error.code() != ErrorCode::corruption) throw;
  }
  set_aside(path, clock);
  return open_and_check(path, clock);
}

}  // namespace salvor::catalog::internal
