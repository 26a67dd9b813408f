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

/// The `files` store: one directory tree (docs/stores/files.md).
namespace salvor::stores {

/// What a snapshot lacks of a tree, though the tree had it when it was taken: its backup could not
/// read it.
struct FilesLacking {
  std::vector<std::string> paths;  ///< relative to the root
  bool and_more = false;           ///< the list is not complete
};

struct FilesSourceOptions {
  std::filesystem::path root;  ///< a directory; a symlink to one is followed, here and only here
  std::vector<std::string> exclude;              ///< patterns, relative to root (exclude.h)
  std::vector<std::filesystem::path> forbidden;  ///< must not lie in the tree, e.g. the repository
  unsigned reading_threads = 8;                  ///< that list and stat ahead of next(); 0 is valid
  bool one_file_system = false;                  ///< other file systems: their mount points only
  Clock* clock = &Clock::system();
};

/// Threads: as Source says.   Lifetime: the clock must outlive it.
/// Errors: not_found, when the root is missing; configuration, when it is not a directory, or when
/// a pattern is malformed. next(): configuration, when a forbidden directory is met.
std::unique_ptr<Source> make_files_source(FilesSourceOptions options);

/// At the root of a tree that is being restored, until it is whole.
inline constexpr const char* kIncompleteMarker = ".salvor-incomplete";

struct FilesSinkOptions {
  std::filesystem::path target;  ///< created with 0700 if missing
  bool delta = false;            ///< the target may have content, of which as much as fits is kept
  /// The target is live: what the store does not protect stays where it is (what `exclude` matches,
  /// as of the source; sockets; workplaces of restores).
  bool is_live = false;
  std::vector<std::string> exclude = {};
  bool one_file_system = false;  ///< as of the source; of a live target other file systems stay
  FilesLacking lacking = {};     ///< of a live target: its paths stay, too; others are moved aside
  Clock* clock = &Clock::system();
};

/// Threads: as Sink says.   Lifetime: the clock must outlive it.
/// Errors: refused, when the target is not empty (and not delta); corruption, for keys that no tree
/// of files has, and for parents that are missing or are not directories.
std::unique_ptr<Sink> make_files_sink(FilesSinkOptions options);

/// Writes `.salvor-canary` at the root of a tree; what was there is replaced, as one.
/// Errors: not_found, no_space, failed.
void plant_files_marker(const std::filesystem::path& root, const Marker& marker);

/// The marker at the root of a tree, live or restored; empty when there is none. Of a file that no
/// backup wrote, what can't be read of it is empty.   Errors: failed.
std::optional<Marker> read_files_marker(const std::filesystem::path& root);

/// Whether this path within a store is that of its marker.
bool is_files_marker(std::string_view path);

struct FilesTargetOptions {
  std::filesystem::path root;        ///< the live tree, or a copy of it; need not exist
  std::vector<std::string> exclude;  ///< as of the source: what stays with the live path
  bool one_file_system = false;      ///< as of the source
  FilesLacking lacking = {};         ///< stays with the live path, too
  Clock* clock = &Clock::system();
  ReplacementFaults faults = {};  ///< tests only
};

/// Threads: as Target says.   Lifetime: the clock must outlive it and its replacements.
/// Errors: configuration, when a pattern is malformed.
std::unique_ptr<Target> make_files_target(FilesTargetOptions options);

}  // namespace salvor::stores
