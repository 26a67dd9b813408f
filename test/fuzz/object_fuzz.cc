#include <algorithm>

#include "base/error.h"
#include "fixed_keys.h"
#include "repo/internal/object.h"

namespace {

using namespace salvor;

/// Enough for every branch; a larger limit would only measure the allocator.
constexpr std::size_t kPlainBytesMax = 1U << 20U;

void unsqueeze_any(ByteView bytes) {
  try {
    SALVOR_ASSERT(repo::unsqueeze(bytes, kPlainBytesMax, "fuzz").size() <= kPlainBytesMax);
  } catch (const Error&) {
    // Most bytes are no zstd frame of the size in front.
  }
}

void round_trips(ByteView bytes) {
  const Bytes squeezed = repo::squeeze(bytes);
  const Bytes back = repo::unsqueeze(squeezed, bytes.size(), "fuzz");
  SALVOR_ASSERT(std::equal(back.begin(), back.end(), bytes.begin(), bytes.end()));
  const Bytes stored = repo::seal_object(fuzz::fixed_keys(), repo::ObjectType::checkpoint,
                                         "checkpoint/fuzz", bytes, Rng::system());
  SALVOR_ASSERT(repo::open_object(fuzz::fixed_keys(), repo::ObjectType::checkpoint,
                                  "checkpoint/fuzz", stored) == back);
}

/// Opens any bytes as they are, and with the checksum that they should have.
void open_any(ByteView bytes) {
  Bytes mended = to_bytes(bytes);
  const codec::Checksum sum = codec::checksum(mended);
  mended.insert(mended.end(), sum.begin(), sum.end());
  for (const ByteView stored : {bytes, ByteView(mended)}) {
    try {
      repo::open_object(fuzz::fixed_keys(), repo::ObjectType::log_entry, "log/fuzz", stored);
    } catch (const Error&) {
      // Nobody has sealed it.
    }
  }
}

}  // namespace

/// Any bytes as squeezed content, as content to be squeezed and sealed, and as a sealed object.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = fuzz::input(data, size);
  unsqueeze_any(bytes);
  round_trips(bytes);
  open_any(bytes);
  return 0;
}
