#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"

/// Paths that can't lead out of a directory, of any length.
namespace salvor::stores::disk {

/// Opens `path`, relative to the directory `root`, with O_CLOEXEC | O_NOFOLLOW. No symlink is ever
/// followed, in no component, also when one is swapped in meanwhile.
/// Shape:  path: components joined by '/'; empty is the directory itself; longer than PATH_MAX is
///         fine.
/// Errors: an invalid Fd, and errno; ELOOP or ENOTDIR, where a symlink is in the way.
/// Threads: any.
Fd open_beneath(int root, std::string_view path, int flags);

/// The same for what may be missing: an invalid descriptor, with errno, means that nothing of that
/// kind is there, never that it could not be looked at.
/// Errors: failed.
Fd find_beneath(int root, std::string_view path, int flags);

/// A tree key as a path beneath the store's root.
/// Errors: corruption, unless every component could be a name in a directory: not empty, not "." or
/// "..", at most kNameBytesMax bytes, no '/'.
std::string checked_path(ByteView key);

/// "a/b" and "c" of "a/b/c"; "" and "c" of "c". Views into `path`.
struct SplitPath {
  std::string_view parent;
  std::string_view name;
};
SplitPath split(std::string_view path);

}  // namespace salvor::stores::disk
