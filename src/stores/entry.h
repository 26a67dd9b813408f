#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

/// What a tree holds: one entry for each thing that a store protects. docs/stores/entry.md has the
/// bytes.
namespace salvor::stores {

/// What kind of thing an entry is. The numbers are stored.
enum class EntryKind : std::uint8_t {
  file = 1,
  directory = 2,
  symlink = 3,
  fifo = 4,
  character_device = 5,
  block_device = 6,
  /// Another name of a file that comes before it; `target` holds the key of its first name.
  hard_link = 7,
};

/// The kind for messages: "character device".
std::string_view name_of(EntryKind kind);

/// One extended attribute; POSIX ACLs are the attributes system.posix_acl_*.
struct Attribute {
  std::string name;
  Bytes value;
  bool operator==(const Attribute&) const = default;
};

/// The metadata of one thing, without its name (the tree's key) and its content (the tree's refs).
/// A value.
/// Units: size in bytes; mode: the low 12 permission bits (with setuid, setgid, sticky).
struct Entry {
  EntryKind kind = EntryKind::file;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;  ///< files only
  Time mtime;
  /// The kernel's time of the last change. With the inode it recognises what did not change; nobody
  /// can set it back.
  Time ctime;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;  ///< the device it lies on
  std::uint64_t rdev = 0;    ///< device nodes only
  /// Symlinks: where they lead, as raw bytes. Hard links: the key of the first name.
  Bytes target;
  std::vector<Attribute> attributes;  ///< sorted by name
  bool unstable = false;              ///< it changed during every try to read it
  /// It changed so shortly before it was read that its times prove nothing: the next backup reads
  /// it again.
  bool racy = false;

  bool operator==(const Entry&) const = default;
};

/// The bytes that a tree keeps. An entry that is beyond_limits() must not be encoded: no reader
/// would take it back.
Bytes encode(const Entry& entry);

/// Why an entry can't be kept as it is: it exceeds a limit of base/limits.h. Empty when it can.
std::string beyond_limits(const Entry& entry);

/// The reverse of encode().
/// Errors: corruption, when encode() did not make `bytes`.
Entry decode_entry(ByteView bytes);

/// The tree's key of a path, and the reverse. In a key '/' is a zero byte, so that the order of
/// keys (memcmp) is the order of a depth-first walk with sorted names: a directory comes right
/// before its content. The root of the store is the empty key.
Bytes key_of_path(std::string_view path);
std::string path_of_key(ByteView key);

}  // namespace salvor::stores
