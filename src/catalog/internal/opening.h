#pragma once

#include <filesystem>

#include "base/clock.h"
#include "catalog/database.h"

namespace salvor::catalog::internal {

/// Opens the catalog's file and brings its tables to this version's form; what Catalog::open says.
Database open_database(const std::filesystem::path& path, Clock& clock);

}  // namespace salvor::catalog::internal
