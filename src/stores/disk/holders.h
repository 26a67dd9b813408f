#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "stores/target.h"

/// Who has something open, as /proc tells it. This process is left out, and what this user may not
/// see. Each process is named once for each path.
/// Errors: none.   Threads: any.
namespace salvor::stores::disk {

/// Files beneath the directory `root`, a real path, by descriptor or by a shared mapping that can
/// be written. `ignored`, with a path relative to root: what does not count.
/// A process in another mount namespace (a container) may have another path to it: it is found
/// where its mount begins at root or above it, not where it begins beneath.
std::vector<Holder> holders_beneath(const std::string& root,
                                    const std::function<bool(const std::string& path)>& ignored);

/// Certain files, by device and inode, in whatever namespace.
using FileId = std::pair<dev_t, ino_t>;
std::vector<Holder> holders_of(const std::vector<FileId>& files);

/// "python3 (pid 123) writes /srv/shop/shop.db, and 2 more"; empty when there are none.
std::string describe(const std::vector<Holder>& holders);

}  // namespace salvor::stores::disk
