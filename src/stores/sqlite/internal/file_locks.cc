#include "stores/sqlite/internal/file_locks.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "stores/sqlite/internal/wreck.h"

namespace salvor::stores::sqlite {
namespace {

namespace fs = std::filesystem;

// Of the database file: os.h of SQLite.
constexpr off_t kPendingByte = 0x40000000;
constexpr off_t kReservedByte = kPendingByte + 1;
constexpr off_t kSharedFirst = kPendingByte + 2;
constexpr off_t kSharedBytes = 510;
// Of the -shm file: os_unix.c.
constexpr off_t kWalWriteByte = 120;
constexpr off_t kWalDeadManByte = 128;

/// False when somebody else has a lock that excludes this one.
bool set_lock(int fd, short type, off_t start, off_t length, const fs::path& path) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = start;
  lock.l_len = length;
  while (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EACCES) return false;
    throw_system_error("cannot lock", path.native(), errno);
  }
  return true;
}

class SqliteWriteLock final : public WriteLock {
 public:
  explicit SqliteWriteLock(std::shared_ptr<HeldLocks> held) : held_(std::move(held)) {}

 private:
  const std::shared_ptr<HeldLocks> held_;
};

std::mutex registry_mutex;

/// By real path; guarded by registry_mutex.
std::map<fs::path, std::weak_ptr<HeldLocks>>& registry() {
  static std::map<fs::path, std::weak_ptr<HeldLocks>> held;
  return held;
}

}  // namespace

FileLocks::FileLocks(const fs::path& database) : path_(database) {
  fd_ = open_file(path_, O_RDWR);
  struct stat status {};
  if (fstat(fd_.get(), &status) != 0) throw_system_error("cannot read", path_.native(), errno);
  id_ = {status.st_dev, status.st_ino};
}

bool FileLocks::is_wal() const {
  if (shm_) return true;
  // The version that readers must know.
  constexpr std::size_t kVersionAt = 19;
  std::array<std::byte, kVersionAt + 1> header{};
  return pread_some(fd_.get(), header, 0, path_.native()) == header.size() &&
         header[kVersionAt] == std::byte{2};
}

std::string FileLocks::wreck() const {
  constexpr std::size_t kMagicBytes = 16;
  std::array<std::byte, kMagicBytes> head{};
  const std::size_t size = pread_some(fd_.get(), head, 0, path_.native());
  return wreck_of(ByteView(head).first(size), path_);
}

bool FileLocks::try_shared() {
  // As every reader: who waits to write has PENDING, and keeps new readers out.
  if (!set_lock(fd_.get(), F_RDLCK, kPendingByte, 1, path_)) return false;
  const bool has = set_lock(fd_.get(), F_RDLCK, kSharedFirst, kSharedBytes, path_);
  set_lock(fd_.get(), F_UNLCK, kPendingByte, 1, path_);
  return has;
}

bool FileLocks::try_writers(bool wal) {
  if (!try_shared()) return false;
  if (!wal) {
    has_writers_ = set_lock(fd_.get(), F_WRLCK, kReservedByte, 1, path_);
  } else {
    const fs::path shm = path_.native() + "-shm";
    if (!shm_) shm_ = open_file(shm, O_RDWR);
    // Without the dead man's switch, the next connection would take the index for a dead one's.
    has_writers_ = set_lock(shm_.get(), F_RDLCK, kWalDeadManByte, 1, shm) &&
                   set_lock(shm_.get(), F_WRLCK, kWalWriteByte, 1, shm);
    if (!has_writers_) set_lock(shm_.get(), F_UNLCK, 0, 0, shm);
  }
  if (!has_writers_) set_lock(fd_.get(), F_UNLCK, 0, 0, path_);
  return has_writers_;
}

void FileLocks::claim(LockWait& wait) {
  try {
    while (!set_lock(fd_.get(), F_WRLCK, kPendingByte, 1, path_) ||
           !set_lock(fd_.get(), F_WRLCK, kSharedFirst, kSharedBytes, path_)) {
      if (!wait.again()) throw locked_error(path_, id_, wait);
    }
  } catch (...) {
    unclaim();
    throw;
  }
}

void FileLocks::unclaim() {
  set_lock(fd_.get(), has_writers_ ? F_RDLCK : F_UNLCK, kSharedFirst, kSharedBytes, path_);
  set_lock(fd_.get(), F_UNLCK, kPendingByte, 1, path_);
}

Error locked_error(const fs::path& database, disk::FileId id, const LockWait& wait) {
  const std::vector<Holder> holders = disk::holders_of({id});
  const std::string who = holders.empty() ? "by another process" : "by " + disk::describe(holders);
  return {ErrorCode::conflict,
          "cannot lock " + printable(database.native()) + ": held " + who + ", waited " +
              human_duration(static_cast<double>(wait.limit_ms()) / 1e3),
          "end the programs that use the database, and run the command again"};
}

std::shared_ptr<FileLocks> acquire_writers(const fs::path& database, LockWait& wait) {
  const auto locks = std::make_shared<FileLocks>(database);
  std::optional<Connection> reader;
  try {
    // Opened by SQLite, what is none would lose its log.
    if (locks->wreck().empty()) reader.emplace(database);
    while (reader) {
      // A reader: what a killed writer left half done is rolled back, and the -shm file is there.
      // Until the locks are had nobody can change the mode, or leave a hot journal.
      reader->begin_read(wait);
      const bool has = locks->try_writers(reader->is_wal());
      reader->end_read();
      if (has) return locks;
      if (!wait.again()) throw locked_error(database, locks->id(), wait);
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::failed) throw;
  }
  // A damaged database is one to be restored; SQLite itself writes to it no more than it reads it.
  reader.reset();
  const bool wal =
      fs::exists(database.native() + "-shm") && (locks->is_wal() || !locks->wreck().empty());
  while (!locks->try_writers(wal)) {
    if (!wait.again()) throw locked_error(database, locks->id(), wait);
  }
  return locks;
}

std::shared_ptr<HeldLocks> held_locks(const fs::path& database) {
  const std::lock_guard lock(registry_mutex);
  const auto found = registry().find(database);
  return found == registry().end() ? nullptr : found->second.lock();
}

std::unique_ptr<WriteLock> lock_writers(const fs::path& database, LockWait& wait) {
  std::shared_ptr<HeldLocks> held = held_locks(database);
  if (!held) held = std::make_shared<HeldLocks>();
  if (!held->locks) held->locks = acquire_writers(database, wait);
  const std::lock_guard lock(registry_mutex);
  registry()[database] = held;
  return std::make_unique<SqliteWriteLock>(std::move(held));
}

}  // namespace salvor::stores::sqlite
