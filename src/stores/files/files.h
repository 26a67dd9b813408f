#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "stores/disk/lacking.h"
#include "stores/marker.h"
#include "stores/target.h"

/// The `files` store: one directory tree (docs/stores/files.md). Its Target and its marker are
/// here; its Source and its Sink are those of any tree on disk (stores/disk/tree.h).
namespace salvor::stores {

class Type;

/// The description of this kind of store.
const Type& files_type();

/// Writes `.salvor-canary` at the root of a tree, and replaces what was there, as one change.
/// Errors: not_found; no_space; failed.
void plant_files_marker(const std::filesystem::path& root, const Marker& marker);

/// The marker at the root of a tree, live or restored; empty when nothing is there. Of a file that
/// no backup wrote, members that can't be read are empty.
/// Errors: failed.
std::optional<Marker> read_files_marker(const std::filesystem::path& root);

/// The path of the marker within a store.
inline constexpr std::string_view kFilesMarker = ".salvor-canary";

/// Where the tree is. A value.
struct FilesTargetOptions {
  std::filesystem::path root;        ///< the live tree, or a copy of it; need not exist
  std::vector<std::string> exclude;  ///< as of the source: what stays with the live path
  bool one_file_system = false;      ///< as of the source
  disk::Lacking lacking = {};        ///< stays with the live path, too
  Clock* clock = &Clock::system();
  ReplacementFaults faults = {};  ///< tests only
};

/// A tree at its place, live or a copy of it.
/// Errors:   configuration, when a pattern is malformed.
/// Threads:  as Target says.
/// Lifetime: the clock outlives it and its replacements.
std::unique_ptr<Target> make_files_target(FilesTargetOptions options);

}  // namespace salvor::stores
