#pragma once

#include <filesystem>

#include "base/clock.h"
#include "base/fd.h"
#include "catalog/internal/database.h"

namespace salvor::catalog::internal {

/// A catalog's file, as this process has it open.
struct OpenedDatabase {
  Fd users;  ///< the lock that says that somebody has it open; to go after the connection
  Database database;
};

/// Opens the catalog's file and brings its tables to this version's form; what Catalog::open says.
/// All of it is read (PRAGMA quick_check) only after an unclean end: nobody has it open, and yet it
/// has a log; or somebody has met damage in it.
OpenedDatabase open_database(const std::filesystem::path& path, Clock& clock);

}  // namespace salvor::catalog::internal
