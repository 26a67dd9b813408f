#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/limits.h"

/// The numbers of docs/format.md, and nothing else; those of trees are in base/limits.h. A check of
/// the code base holds code and document together.
namespace salvor::repo {

inline constexpr std::uint32_t kFormatVersion = 1;

inline constexpr std::string_view kPackMagic = "SLVPACK1";
inline constexpr std::string_view kPackEndMagic = "SLVPEND1";
inline constexpr std::string_view kSealMagic = "SLVSEAL1";

inline constexpr std::size_t kPackHeaderBytes = 32;
inline constexpr std::size_t kPackFooterBytes = 64;

inline constexpr std::size_t kFrameBytesMax = 4194304;
inline constexpr std::size_t kPackBytesMax = 268435456;
inline constexpr std::size_t kObjectBytesMax = 268435456;
inline constexpr std::size_t kChunksPerRun = 262144;
inline constexpr std::uint64_t kCheckpointEvery = 16;
inline constexpr std::size_t kRecordBytesMax = 16777216;
inline constexpr std::size_t kMissingListedMax = 1000;
inline constexpr std::size_t kMissingBytesMax = 65536;
inline constexpr std::size_t kSentencesMax = 16;
inline constexpr std::size_t kSentenceBytesMax = 1024;

enum class PackKind : std::uint8_t { data = 1, tree = 2 };
enum class FrameType : std::uint8_t { directory = 0, data = 1, node = 2, point = 3 };
enum class ObjectType : std::uint8_t {
  index_run = 1,
  log_entry = 2,
  checkpoint = 3,
  journal = 4,
  claim = 5,
  evidence = 6,
};

}  // namespace salvor::repo
