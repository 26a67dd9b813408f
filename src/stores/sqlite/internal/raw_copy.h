#pragma once

#include <memory>
#include <string>
#include <vector>

#include "stores/entry.h"
#include "stores/sqlite/internal/copy.h"
#include "stores/sqlite/internal/spool.h"

namespace salvor::stores::sqlite {

/// One file of a database that SQLite can't read, as it lies there.
struct RawFile {
  std::string suffix;  ///< "", "-journal" or "-wal"
  Entry entry;
  std::unique_ptr<Spool> content;
};

/// Copies the file at `options.database`, and its -journal and -wal where there are such, in the
/// order of their names. Changes nothing. Writers are held off by SQLite's locks meanwhile, those
/// of this process where it has them, and where this user may take them.
/// Errors: no_space; conflict, when they are locked for longer than options.lock_wait_ms_max;
/// failed.
std::vector<RawFile> copy_raw(const CopyOptions& options, const std::filesystem::path& spool);

}  // namespace salvor::stores::sqlite
