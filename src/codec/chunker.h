#pragma once

#include <array>

#include "base/bytes.h"

namespace salvor::codec {

/// Bounds of chunks. A repository keeps the numbers in force (docs/format.md, "Chunks"): content
/// that was cut by other numbers is not found again.
/// Units: bytes. 64 < min < normal < max, and normal is a power of two.
struct ChunkerLimits {
  std::size_t min_bytes = 128 * 1024;
  /// Below this a cut is four times less likely than above it; so most chunks are about this size.
  std::size_t normal_bytes = 512 * 1024;
  std::size_t max_bytes = 2 * 1024 * 1024;
};

/// Cuts one byte stream into content-defined chunks.
///     for (ByteView rest = content; !rest.empty();) {
///       const std::size_t size = chunker.first_chunk(rest);
///       store(rest.first(size));
///       rest = rest.subspan(size);
///     }
/// Shape:   in: any span; out: consecutive ranges whose concatenation is the input.
/// Units:   bytes; min <= size <= max, except the last chunk (>= 1).
/// Errors:  none.
/// Threads: any, at the same time; an object holds only its table.
/// Source:  FastCDC, USENIX ATC 2016; the gear table comes from the repository's key; parameters in
///          docs/format.md. Whether there is a cut at a place depends on the 64 bytes before it and
///          on the start of the chunk, so streams that differ meet again after a chunk or two.
class Chunker {
 public:
  static constexpr std::size_t kKeyBytes = 32;

  /// Shape: `key` has kKeyBytes bytes. It is secret: who knows it can tell from the sizes of chunks
  ///        whether a known file is stored.
  explicit Chunker(ByteView key, const ChunkerLimits& limits = {});

  /// The size of the first chunk of `data`, which is not empty. Where `data` is not the rest of the
  /// stream it must be at least max_bytes long: else the end of the buffer would decide about the
  /// cut.
  std::size_t first_chunk(ByteView data) const;

  const ChunkerLimits& limits() const { return limits_; }

 private:
  ChunkerLimits limits_;
  std::array<std::uint64_t, 256> gear_;
};

}  // namespace salvor::codec
