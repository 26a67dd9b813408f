#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "stores/disk/lacking.h"
#include "stores/sink.h"
#include "stores/source.h"

/// How a directory tree is read and written, whatever kind of store it belongs to: the tree of a
/// `files` store, and the directory that a database is restored into.
namespace salvor::stores::disk {

/// What to read. A value.
struct TreeSourceOptions {
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
  /// A file at the root whose size is a fact of the snapshot (`marker_bytes`); empty: none.
  std::string marker = {};
  Clock* clock = &Clock::system();
};

/// Opens a tree for a backup.
/// Errors:   not_found, when the root is missing; configuration, when it is not a directory, when
///           it is itself forbidden, or when a pattern is malformed. next() throws configuration
///           when it meets a forbidden directory.
/// Threads:  as Source says.
/// Lifetime: the clock outlives it.
std::unique_ptr<Source> make_tree_source(TreeSourceOptions options);

/// The file that lies at the root of a tree while it is being restored, until it is whole.
inline constexpr const char* kIncompleteMarker = ".salvor-incomplete";

/// Where to restore to. A value.
struct TreeSinkOptions {
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
  Lacking lacking = {};
  Clock* clock = &Clock::system();
};

/// Prepares a tree to be restored; begin() looks at it.
/// Errors:   of begin(): refused, when the target is no directory, or is not empty (and not delta).
///           Later: corruption, for keys that no tree of files has, and for parents that are
///           missing or are not directories.
/// Threads:  as Sink says.
/// Lifetime: the clock outlives it.
std::unique_ptr<Sink> make_tree_sink(TreeSinkOptions options);

}  // namespace salvor::stores::disk
