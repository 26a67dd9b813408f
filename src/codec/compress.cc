#include "codec/compress.h"

#include <zstd.h>

#include <array>
#include <memory>

#include "base/error.h"

namespace salvor::codec {
namespace {

constexpr std::size_t kSampleBytes = 8 * 1024;
constexpr std::size_t kSamples = 6;

struct FreeContexts {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

ZSTD_CCtx* compression_context() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContexts> context(ZSTD_createCCtx());
  SALVOR_ASSERT(context != nullptr);
  return context.get();
}

ZSTD_DCtx* decompression_context() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContexts> context(ZSTD_createDCtx());
  SALVOR_ASSERT(context != nullptr);
  return context.get();
}

bool saves_enough(std::size_t plain, std::size_t compressed) {
  return compressed < plain - plain / 32;
}

/// Media and archives are most of the bytes of many trees; a few samples spare compressing them.
bool samples_compress(ByteView plain) {
  std::array<std::byte, ZSTD_COMPRESSBOUND(kSampleBytes)> out;
  const std::size_t stride = (plain.size() - kSampleBytes) / (kSamples - 1);
  for (std::size_t i = 0; i < kSamples; ++i) {
    const std::size_t size = ZSTD_compressCCtx(compression_context(), out.data(), out.size(),
                                               plain.data() + i * stride, kSampleBytes, 1);
    if (ZSTD_isError(size) != 0 || saves_enough(kSampleBytes, size)) return true;
  }
  return false;
}

}  // namespace

std::size_t compressed_bytes_max(std::size_t plain_bytes) {
  return ZSTD_compressBound(plain_bytes);
}

std::optional<std::size_t> compress(ByteView plain, MutableByteView out, int level) {
  if (plain.size() > 4 * kSamples * kSampleBytes && !samples_compress(plain)) return std::nullopt;
  const std::size_t size = ZSTD_compressCCtx(compression_context(), out.data(), out.size(),
                                             plain.data(), plain.size(), level);
  if (ZSTD_isError(size) != 0 || !saves_enough(plain.size(), size)) return std::nullopt;
  return size;
}

bool decompress(ByteView compressed, MutableByteView out) {
  // Exactly one frame: libzstd would go on with a second one, or skip one that holds nothing.
  if (ZSTD_findFrameCompressedSize(compressed.data(), compressed.size()) != compressed.size()) {
    return false;
  }
  const std::size_t size = ZSTD_decompressDCtx(decompression_context(), out.data(), out.size(),
                                               compressed.data(), compressed.size());
  return ZSTD_isError(size) == 0 && size == out.size();
}

}  // namespace salvor::codec
