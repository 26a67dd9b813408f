#include "stores/sqlite/internal/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/error.h"
#include "base/random.h"
#include "stores/sqlite/internal/connection.h"

namespace salvor::stores::sqlite {
namespace {

constexpr std::string_view kPrefix = "sqlite-";
constexpr std::string_view kSuffix = ".spool";

/// Names exist only while this lock is held: what is found under it belongs to a dead process.
Fd lock_directory(const std::filesystem::path& directory) {
  Fd fd = open_file(directory, O_RDONLY | O_DIRECTORY);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_system_error("cannot use", directory.native(), errno);
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw Error(ErrorCode::refused,
                fmt::format("the spool directory {} is writable by others: mode {:04o}, expected "
                            "0700",
                            printable(directory.native()), status.st_mode & 07777),
                "take the permission away with chmod 700, or name another directory");
  }
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) throw_system_error("cannot lock", directory.native(), errno);
  }
  return fd;
}

void remove_leftovers(const std::filesystem::path& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(kPrefix) && name.ends_with(kSuffix)) ::unlink(entry.path().c_str());
  }
}

sqlite3* open_database(const std::filesystem::path& path) {
  sqlite3* database = nullptr;
  int result = sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                               nullptr);
  // With these, SQLite never needs the file's name again.
  if (result == SQLITE_OK) {
    result = sqlite3_exec(database,
                          "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                          "PRAGMA locking_mode = EXCLUSIVE",
                          nullptr, nullptr, nullptr);
  }
  if (result == SQLITE_OK) return database;
  try {
    throw_sqlite_error(sqlite3_extended_errcode(database), database, "cannot open", path);
  } catch (...) {
    sqlite3_close(database);
    throw;
  }
}

}  // namespace

Spool::Spool(const std::filesystem::path& directory)
    : directory_(std::filesystem::absolute(directory)) {
  try {
    open_file_in_directory();
  } catch (const Error& error) {
    if (!error.hint().empty()) throw;
    throw Error(error.code(), "cannot use the spool directory: " + error.message(),
                "make state_dir writable for this user, or set another one: a database is copied "
                "into it before it is backed up");
  }
}

void Spool::open_file_in_directory() {
  make_private_directories(directory_);
  const Fd lock = lock_directory(directory_);
  remove_leftovers(directory_);
  const std::filesystem::path path =
      directory_ / fmt::format("{}{:016x}{}", kPrefix, Rng::system().next_u64(), kSuffix);
  fd_ = open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  try {
    database_ = open_database(path);
  } catch (...) {
    ::unlink(path.c_str());
    throw;
  }
  if (::unlink(path.c_str()) != 0) {
    const int error = errno;
    close_database();
    throw_system_error("cannot remove", path.native(), error);
  }
}

Spool::~Spool() {
  close_database();
}

void Spool::close_database() {
  sqlite3_close(database_);
  database_ = nullptr;
}

void Spool::clear() {
  if (::ftruncate(fd_.get(), 0) != 0) {
    throw_system_error("cannot write to the spool directory", directory_.native(), errno);
  }
}

void Spool::require_free(std::uint64_t bytes) const {
  struct statvfs status {};
  if (::fstatvfs(fd_.get(), &status) != 0) {
    throw_system_error("cannot use", directory_.native(), errno);
  }
  const std::uint64_t free_bytes = std::uint64_t{status.f_bavail} * status.f_frsize;
  if (free_bytes >= bytes) return;
  throw Error(
      ErrorCode::no_space,
      fmt::format("too little space in the spool directory {}: {} free, expected {}",
                  printable(directory_.native()), human_bytes(free_bytes), human_bytes(bytes)),
      "free some space there, or put state_dir on a larger file system");
}

void Spool::flush() const {
  if (::fdatasync(fd_.get()) != 0) {
    throw_system_error("cannot write to the spool directory", directory_.native(), errno);
  }
}

}  // namespace salvor::stores::sqlite
