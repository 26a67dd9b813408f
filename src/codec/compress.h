#pragma once

#include <optional>

#include "base/bytes.h"

/// zstd (RFC 8878), one frame at a time. Threads: any; each thread has contexts of its own.
namespace salvor::codec {

/// The most that compress() writes for `plain_bytes` of input.
std::size_t compressed_bytes_max(std::size_t plain_bytes);

/// Compresses into `out`, which has at least compressed_bytes_max(plain.size()) bytes.
/// Shape: the number of bytes written; empty when less than 1/32 would be saved, and the content is
/// better stored as it is. Whether it is worth trying is first judged from samples.
std::optional<std::size_t> compress(ByteView plain, MutableByteView out, int level);

/// Fills `out` exactly. False when `compressed` is not a frame of that content size.
[[nodiscard]] bool decompress(ByteView compressed, MutableByteView out);

}  // namespace salvor::codec
