#pragma once

#include <cstddef>
#include <cstdint>

/// How large what a snapshot holds may be: one table for those who write and those who read, so
/// that what was written can be read. Writers refuse what is larger, and name its path. The numbers
/// are those of docs/format.md, section 10; a check of the code base holds the two together.
namespace salvor {

/// Of a tree: the key of a record, the metadata under it, a node as stored, and the levels of nodes
/// (0 to kLevelMax). A node is closed at 128 KiB, so that one more record of the largest key and
/// the most metadata fits: see the assertion below.
inline constexpr std::size_t kKeyBytesMax = 1048576;
inline constexpr std::size_t kMetadataBytesMax = 2097152;
inline constexpr std::size_t kNodeBytesMax = 4194304;
inline constexpr std::size_t kRefsPerRecord = 256;
inline constexpr std::uint8_t kLevelMax = 32;

/// Of an entry (docs/stores/entry.md). A name is one component of a path: file systems allow more
/// than the 255 bytes of ext4; no system call takes a longer one than this.
inline constexpr std::size_t kNameBytesMax = 4095;
inline constexpr std::size_t kPathBytesMax = 65536;
inline constexpr std::size_t kTargetBytesMax = 1048576;
inline constexpr std::size_t kAttributesMax = 65536;
inline constexpr std::size_t kAttributeNameBytesMax = 4096;
inline constexpr std::size_t kAttributeBytesMax = 1048576;

static_assert(kPathBytesMax <= kKeyBytesMax && kPathBytesMax <= kTargetBytesMax);
static_assert(128 * 1024 + kKeyBytesMax + kMetadataBytesMax + 64 * kRefsPerRecord + 1024 <=
              kNodeBytesMax);

}  // namespace salvor
