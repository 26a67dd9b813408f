#pragma once

#include <array>

#include "base/bytes.h"

namespace salvor::codec {

/// Units: bytes. The numbers in force are the repository's, docs/format.md "Chunks".
struct ChunkerLimits {
  std::size_t min_bytes = 128 * 1024;
  std::size_t normal_bytes = 512 * 1024;  ///< from here on a cut is four times as likely
  std::size_t max_bytes = 2 * 1024 * 1024;
};

/// Cuts one byte stream into content-defined chunks.
/// Shape:   in: any span; out: consecutive ranges whose concatenation is the input.
/// Units:   bytes; min <= size <= max, except the last chunk (>= 1).
/// Errors:  none.   Threads: any; an object holds only the table.
/// Source:  FastCDC, USENIX ATC 2016; gear table from the repository's key; parameters in
///          docs/format.md. Whether there is a cut at a place depends on the 64 bytes before it and
///          on the start of the chunk, so streams that differ meet again after a chunk or two.
class Chunker {
 public:
  static constexpr std::size_t kKeyBytes = 32;

  explicit Chunker(ByteView key, const ChunkerLimits& limits = {});

  /// The size of the first chunk of `data`. When `data` is not the rest of the stream, it must be
  /// at least max_bytes long. Not for empty `data`.
  std::size_t first_chunk(ByteView data) const;

  const ChunkerLimits& limits() const { return limits_; }

 private:
  ChunkerLimits limits_;
  std::array<std::uint64_t, 256> gear_;
};

}  // namespace salvor::codec
