#include "base/error.h"
#include "codec/chunker.h"
#include "fixed_keys.h"

/// Any content: the chunks are the whole of it, keep their limits, and do not depend on what comes
/// after the largest chunk.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace salvor;
  constexpr codec::ChunkerLimits kLimits{65, 128, 512};
  static const codec::Chunker chunker(Bytes(codec::Chunker::kKeyBytes, std::byte{9}), kLimits);
  ByteView rest = fuzz::input(data, size);
  while (!rest.empty()) {
    const std::size_t chunk = chunker.first_chunk(rest);
    SALVOR_ASSERT(chunk >= 1 && chunk <= rest.size() && chunk <= kLimits.max_bytes);
    SALVOR_ASSERT(chunk >= kLimits.min_bytes || chunk == rest.size());
    if (rest.size() > kLimits.max_bytes) {
      SALVOR_ASSERT(chunker.first_chunk(rest.first(kLimits.max_bytes)) == chunk);
    }
    rest = rest.subspan(chunk);
  }
  return 0;
}
