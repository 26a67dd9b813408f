#pragma once

#include <filesystem>
#include <memory>

#include "base/error.h"
#include "base/fd.h"
#include "stores/disk/holders.h"
#include "stores/sqlite/internal/connection.h"
#include "stores/target.h"

namespace salvor::stores::sqlite {

/// SQLite's locks on one database file (https://www.sqlite.org/lockingv3.html, and walformat.html
/// for the -shm file), taken as open file description locks: those do not go when another
/// descriptor of the file is closed in this process, and a crash gives them back.
/// Threads: one at a time.   Lifetime: destruction releases.
class FileLocks {
 public:
  /// Opens the file.   `database`: a real path.   Errors: not_found, failed.
  explicit FileLocks(const std::filesystem::path& database);

  const std::filesystem::path& path() const { return path_; }
  disk::FileId id() const { return id_; }

  /// Whether it has a log that its users write: by the header, or since try_writers() found one.
  bool is_wal() const;
  /// Why SQLite must not read it (wreck_of()); empty, when it may.
  std::string wreck() const;

  /// Keeps writers out, and lets readers in. In rollback mode: SHARED and RESERVED. In WAL mode:
  /// SHARED, so that the last connection to close does not remove the log, and the log's lock of
  /// writers. False, with nothing held, when somebody has one of them.
  bool try_writers(bool wal);

  /// EXCLUSIVE: nobody else reads or writes; connections in WAL mode are all closed. What
  /// try_writers() holds stays.
  /// Errors: conflict, naming who holds it, when `wait` is used up; then nothing has changed.
  void claim(LockWait& wait);
  void unclaim();

 private:
  bool try_shared();

  const std::filesystem::path path_;
  Fd fd_;
  Fd shm_;  // kept open: to close it would drop the locks of this process's own connections
  disk::FileId id_;
  bool has_writers_ = false;
};

/// The error of a lock that could not be had.
Error locked_error(const std::filesystem::path& database, disk::FileId id, const LockWait& wait);

/// What a WriteLock of this process holds on the database at a path; another file may come there.
struct HeldLocks {
  std::shared_ptr<FileLocks> locks;  ///< shared with a replacement that is under way; may be null
};

/// Locks out writers of the database at `database`, a real path. A lock that this process has
/// already is shared.   Errors: as Target::lock_writes().
std::unique_ptr<WriteLock> lock_writers(const std::filesystem::path& database, LockWait& wait);

/// Null when this process holds none.
std::shared_ptr<HeldLocks> held_locks(const std::filesystem::path& database);

/// The locks alone: waits until nobody writes.
std::shared_ptr<FileLocks> acquire_writers(const std::filesystem::path& database, LockWait& wait);

}  // namespace salvor::stores::sqlite
