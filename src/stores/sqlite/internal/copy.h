#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/clock.h"
#include "stores/entry.h"
#include "stores/sqlite/internal/spool.h"

namespace salvor::stores::sqlite {

struct CopyOptions {
  std::filesystem::path database;
  Clock& clock;
  std::int64_t lock_wait_ms_max = 0;
  std::int64_t lock_hold_ms_max = 0;
};

/// What was copied, and how.
struct Copy {
  Entry entry;  ///< of the database file; taken while the read transaction was held
  std::string_view journal_mode;
  std::string_view method;
  std::uint64_t page_bytes = 0;  ///< 0: the database is empty
  std::uint64_t pages = 0;
  std::int64_t lock_held_ms = 0;
  int lock_rounds = 0;
};

/// Copies the state of one committed transaction of a live database into `spool`.
/// Errors: as Source::mark() in stores/sqlite/sqlite.h; NotReadable, when SQLite can't read it.
Copy copy_database(const CopyOptions& options, Spool& spool);

/// The metadata of a file or directory; symbolic links are followed.
/// Errors: not_found; failed.
Entry entry_of(const std::filesystem::path& path);

}  // namespace salvor::stores::sqlite
