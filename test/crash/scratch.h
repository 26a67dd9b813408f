#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "backup/backup.h"
#include "base/fd.h"
#include "testing/seeded_rng.h"
#include "testing/test_repository.h"
#include "testing/tree_compare.h"

/// What the tests of this folder share: small trees, backed up and restored with the real stores.
namespace salvor::testing {

using TreeDescription = std::map<std::string, std::string>;

/// Makes a small tree of `files` files, with directories, a symlink and a hard link.
void make_tree(const std::filesystem::path& root, std::size_t files, std::size_t file_bytes_max,
               std::uint64_t seed);

/// One recovery point of one directory, as store "files" of the service.
repo::PointId back_up(backend::Backend& backend, const std::filesystem::path& root,
                      const std::string& service = "service");

/// Restores that store of a point into a new directory, and removes it again.
TreeDescription restored(repo::Repository& repository, const repo::Point& point,
                         const std::filesystem::path& scratch);

/// The differences of what each point restores from what is expected, in order of the points;
/// empty when there are none.
std::string restore_differences(backend::Backend& backend,
                                const std::vector<TreeDescription>& expected,
                                const std::filesystem::path& scratch);

}  // namespace salvor::testing
