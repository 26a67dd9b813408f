#pragma once

#include <cstddef>
#include <cstdint>

/// How large the things in a snapshot may be. It is one table for the code that writes and the code
/// that reads, so that what was written can always be read. Writers refuse what is larger, and name
/// its path. The numbers are those of docs/format.md, section 10, and tools/check_tidy.py compares
/// the two.
/// Units: bytes, where the name says so; else counts.
namespace salvor {

/// Limits of a tree: the key of a record, the metadata under it, a node as stored, the refs of one
/// record, and the levels of nodes (0 to kLevelMax). A writer closes a node at 128 KiB, so that one
/// more record with the largest key and the most metadata still fits; the assertion below proves
/// it.
inline constexpr std::size_t kKeyBytesMax = 1048576;
inline constexpr std::size_t kMetadataBytesMax = 2097152;
inline constexpr std::size_t kNodeBytesMax = 4194304;
inline constexpr std::size_t kRefsPerRecord = 256;
inline constexpr std::uint8_t kLevelMax = 32;

/// Limits of an entry (docs/stores/entry.md). A name is one component of a path: file systems allow
/// more than the 255 bytes of ext4, but no system call takes a longer one than this.
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
