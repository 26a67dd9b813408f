#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "backend/backend.h"

namespace salvor::backend {

/// How a finished file gets the name of its object. All are atomic; the first that the file system
/// can do is used.
enum class Placing {
  unnamed,  ///< O_TMPFILE, then link: nothing is left over however the process ends
  linked,   ///< a file in tmp/, then link (NFS)
  renamed,  ///< a file in tmp/, then renameat2 with RENAME_NOREPLACE (no hard links: FAT, some
            ///< FUSE)
};

/// For tests only: what a bad place of a medium does. The errno of a read of an object's range, 0
/// for none.
using ReadFault =
    std::function<int(const std::string& name, std::uint64_t offset, std::size_t bytes)>;

struct LocalOptions {
  Placing first = Placing::unnamed;  ///< the first to be tried; tests begin lower
  ReadFault read_fault = {};
};

/// Opens a directory as a medium: object NAME is the file PATH/NAME, 0600, in directories of 0700.
/// An object, or a range of one, that gives EIO again and again while others can be read is damaged
/// (corruption); when none can be read, the medium is unreachable.
/// Objects are regular files only; symbolic links below PATH are never followed, and files whose
/// names no object can have are left alone. What dead writers have left in PATH/tmp is removed.
/// Errors: not_found, when there is no such directory.
std::unique_ptr<Backend> open_local(const std::filesystem::path& path, LocalOptions options = {});

/// The same; creates the directory and its missing parents first, durably. A directory that exists
/// is taken as it is.
std::unique_ptr<Backend> create_local(const std::filesystem::path& path, LocalOptions options = {});

}  // namespace salvor::backend
