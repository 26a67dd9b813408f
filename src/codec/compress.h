#pragma once

#include <optional>

#include "base/bytes.h"

/// Compression by zstd (RFC 8878), one frame at a time.
/// Threads: any; each thread has contexts of its own.
namespace salvor::codec {

/// The most that compress() writes for `plain_bytes` of input.
std::size_t compressed_bytes_max(std::size_t plain_bytes);

/// Compresses into `out`, which has at least compressed_bytes_max(plain.size()) bytes. Content that
/// does not compress is stored as it is: media and archives are most of the bytes of many trees, so
/// a few samples of a large input are tried first.
/// Shape:  the number of bytes written; empty when less than 1/32 would be saved.
/// Units:  `level` is zstd's: higher is smaller and slower.
/// Errors: none.
std::optional<std::size_t> compress(ByteView plain, MutableByteView out, int level);

/// Decompresses one frame into `out`, whose size the caller knows from elsewhere: the length that a
/// frame itself states is never used to allocate. False when `compressed` is not exactly one frame
/// of that content size.
/// Errors: none; callers throw `corruption`, and name the object.
[[nodiscard]] bool decompress(ByteView compressed, MutableByteView out);

}  // namespace salvor::codec
