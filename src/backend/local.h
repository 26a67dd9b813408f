#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "backend/backend.h"

namespace salvor::backend {

/// How a finished file gets the name of its object. All ways are atomic. The first one that the
/// file system has is used, so that a repository can lie on NFS or FAT, too.
enum class Placing {
  unnamed,  ///< O_TMPFILE, then link: nothing is left over however the process ends
  linked,   ///< a file in tmp/, then link (NFS)
  /// A file in tmp/, then renameat2 with RENAME_NOREPLACE (FAT and some FUSE have no hard links).
  renamed,
};

/// For tests only: what a bad place of a medium does. It yields the errno of a read of that range
/// of an object, or 0.
using ReadFault =
    std::function<int(const std::string& name, std::uint64_t offset, std::size_t bytes)>;

/// How to open a directory. Everybody but a test takes the defaults.
struct LocalOptions {
  Placing first = Placing::unnamed;  ///< the first way to be tried; tests begin with a later one
  ReadFault read_fault = {};
};

/// Opens a directory as a medium: object NAME is the file PATH/NAME, mode 0600, in directories of
/// mode 0700. Objects are regular files only. Symbolic links below PATH are never followed, and
/// files whose names no object can have are left alone. What dead writers have left in PATH/tmp is
/// removed.
/// A read that fails with EIO is judged: where other objects can be read, the object is damaged
/// (corruption); where none can, the medium is unreachable.
/// Errors: not_found, when there is no such directory.
std::unique_ptr<Backend> open_local(const std::filesystem::path& path, LocalOptions options = {});

/// Creates the directory and its missing parents, durably, and opens it. A directory that exists is
/// taken as it is.
std::unique_ptr<Backend> create_local(const std::filesystem::path& path, LocalOptions options = {});

}  // namespace salvor::backend
