#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

/// Whether there is room for a restore, asked before anything is written:
///     require_space(look_for_space({{path, snapshot.content_bytes}}), hint);
namespace salvor::recovery {

/// So many bytes are to be written below a path, which need not exist yet. A value.
struct SpaceWanted {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
};

/// One file system that something is to be written to. A value.
/// Units: bytes.
struct FileSystemSpace {
  std::string path;  ///< the deepest directory that exists
  std::uint64_t wanted = 0;
  std::uint64_t free = 0;  ///< for this user

  bool suffices() const { return wanted <= free; }
};

/// Sums up by file system, with a twentieth more for metadata.
/// Errors: failed; not_found.
std::vector<FileSystemSpace> look_for_space(const std::vector<SpaceWanted>& wanted);

/// Errors: refused, naming the first file system with too little room; `hint`: what to do about it.
void require_space(const std::vector<FileSystemSpace>& spaces, const std::string& hint);

}  // namespace salvor::recovery
