#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "stores/marker.h"
#include "stores/sink.h"
#include "stores/source.h"
#include "stores/target.h"

/// The `files` store: one directory tree (docs/stores/files.md). This header is the door of the
/// folder: it makes the Source, Sink and Target of such a store, and plants and reads its marker.
/// The other headers of stores/files/ are private to it.
namespace salvor::stores {

/// What a snapshot lacks of a tree, though the tree had it: its backup could not read it. A restore
/// leaves those paths as they are. A value.
struct FilesLacking {
  std::vector<std::string> paths;  ///< relative to the root
  bool and_more = false;           ///< the list is not complete
};

/// What to read. A value.
struct FilesSourceOptions {
  /// A directory. A symlink to one is followed, here and nowhere below.
  std::filesystem::path root;
  std::vector<std::string> exclude;  ///< patterns, relative to root (exclude.h)
  /// Directories that must not lie in the tree, such as the repository: a backup would grow by
  /// itself.
  std::vector<std::filesystem::path> forbidden;
  /// Threads that list directories ahead of next(); with 0, next() does it itself.
  unsigned reading_threads = 8;
  /// Of other file systems only the mount points are read.
  bool one_file_system = false;
  Clock* clock = &Clock::system();
};

/// Opens a tree for a backup.
/// Errors:   not_found, when the root is missing; configuration, when it is not a directory, when
///           it is itself forbidden, or when a pattern is malformed. next() throws configuration
///           when it meets a forbidden directory.
/// Threads:  as Source says.
/// Lifetime: the clock outlives it.
std::unique_ptr<Source> make_files_source(FilesSourceOptions options);

/// The file that lies at the root of a tree while it is being restored, until it is whole.
inline constexpr const char* kIncompleteMarker = ".salvor-incomplete";

/// Where to restore to. A value.
struct FilesSinkOptions {
  std::filesystem::path target;  ///< created with 0700 if missing
  /// The target may have content: what fits is kept, and what does not belong is moved aside.
  bool delta = false;
  /// The target is live: what the store does not protect stays where it is (what `exclude` matches,
  /// sockets, other file systems, workplaces of restores).
  bool is_live = false;
  std::vector<std::string> exclude = {};
  /// As for the source. On a live target other file systems are left alone.
  bool one_file_system = false;
  /// On a live target these paths stay, too; else what the snapshot does not have is moved aside.
  FilesLacking lacking = {};
  Clock* clock = &Clock::system();
};

/// Prepares a tree to be restored; begin() looks at it.
/// Errors:   of begin(): refused, when the target is no directory, or is not empty (and not delta).
///           Later: corruption, for keys that no tree of files has, and for parents that are
///           missing or are not directories.
/// Threads:  as Sink says.
/// Lifetime: the clock outlives it.
std::unique_ptr<Sink> make_files_sink(FilesSinkOptions options);

/// Writes `.salvor-canary` at the root of a tree, and replaces what was there, as one change.
/// Errors: not_found; no_space; failed.
void plant_files_marker(const std::filesystem::path& root, const Marker& marker);

/// The marker at the root of a tree, live or restored; empty when nothing is there. Of a file that
/// no backup wrote, members that can't be read are empty.
/// Errors: failed.
std::optional<Marker> read_files_marker(const std::filesystem::path& root);

/// Whether this path within a store is that of its marker.
bool is_files_marker(std::string_view path);

/// Where the tree is. A value.
struct FilesTargetOptions {
  std::filesystem::path root;        ///< the live tree, or a copy of it; need not exist
  std::vector<std::string> exclude;  ///< as of the source: what stays with the live path
  bool one_file_system = false;      ///< as of the source
  FilesLacking lacking = {};         ///< stays with the live path, too
  Clock* clock = &Clock::system();
  ReplacementFaults faults = {};  ///< tests only
};

/// A tree at its place, live or a copy of it.
/// Errors:   configuration, when a pattern is malformed.
/// Threads:  as Target says.
/// Lifetime: the clock outlives it and its replacements.
std::unique_ptr<Target> make_files_target(FilesTargetOptions options);

}  // namespace salvor::stores
