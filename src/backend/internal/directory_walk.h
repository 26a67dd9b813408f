#pragma once

#include <string>

#include "backend/backend.h"
#include "backend/internal/directory_cache.h"

namespace salvor::backend {

/// Backend::list for a directory tree: reads only the directories that `prefix` and `after` leave,
/// and holds the names of one directory a level in memory.
/// Threads: any.   Errors: failed, when a symbolic link stands where a directory could be.
void walk(DirectoryCache& directories, const std::string& prefix, const std::string& after,
          const Backend::Visit& visit);

}  // namespace salvor::backend
