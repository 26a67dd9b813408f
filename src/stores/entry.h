#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

/// What a tree holds: one entry for each thing that a store protects.
namespace salvor::stores {

enum class EntryKind : std::uint8_t {
  file = 1,
  directory = 2,
  symlink = 3,
  fifo = 4,
  character_device = 5,
  block_device = 6,
  hard_link = 7,  ///< another name of the file whose key is in `target`
};

std::string_view name_of(EntryKind kind);

/// One extended attribute; POSIX ACLs are the attributes system.posix_acl_*.
struct Attribute {
  std::string name;
  Bytes value;
  bool operator==(const Attribute&) const = default;
};

/// The metadata of one thing, without its name (the tree's key) and its content (the tree's refs).
/// A value.   Units: size in bytes; mode: the low 12 permission bits (with setuid, setgid, sticky).
struct Entry {
  EntryKind kind = EntryKind::file;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;  ///< files only
  Time mtime;
  Time ctime;  ///< with inode and device: recognises what did not change
  std::uint64_t inode = 0;
  std::uint64_t device = 0;           ///< the device it lies on
  std::uint64_t rdev = 0;             ///< device nodes only
  Bytes target;                       ///< symlinks: where to, raw; hard links: the first name's key
  std::vector<Attribute> attributes;  ///< sorted by name
  bool unstable = false;              ///< it changed during every try to read it
  bool racy = false;  ///< changed so shortly before it was read that its times prove nothing

  bool operator==(const Entry&) const = default;
};

Bytes encode(const Entry& entry);

/// Why an entry can't be kept as it is: a reader refuses what is beyond the limits of
/// base/limits.h. Empty when it can.
std::string beyond_limits(const Entry& entry);

/// Errors: corruption, when `bytes` is not what encode() makes.
Entry decode_entry(ByteView bytes);

/// Tree keys of paths: '/' becomes a zero byte, so that the order of keys (memcmp) is the order of
/// a depth-first walk with sorted names. The root of the store is the empty key.
Bytes key_of_path(std::string_view path);
std::string path_of_key(ByteView key);

}  // namespace salvor::stores
