#pragma once

#include <cstdint>
#include <filesystem>

namespace salvor::testing {

struct NastyTreeOptions {
  std::uint64_t seed = 1;        ///< of the contents
  unsigned depth = 120;          ///< levels of the deep chain; 120 are longer than PATH_MAX
  bool huge_sparse_file = true;  ///< 20 GiB, of which 8 KiB are data
};

/// Fills the existing, empty directory `root` with everything that backups get wrong: names with
/// newlines and bytes that are not UTF-8, setuid and sticky modes, times before 1970 and after
/// 2038, dangling and longest symlinks, hard links of files, symlinks and fifos, holes, extended
/// attributes, ACLs, fifos, device nodes, empty directories, paths beyond PATH_MAX.
/// Foreign owners, device nodes and trusted attributes only where the user may make them. The same
/// options make the same tree. Remove it with empty_tree(): it is too deep for others.
/// Errors: failed.
void make_nasty_tree(const std::filesystem::path& root, const NastyTreeOptions& options = {});

}  // namespace salvor::testing
