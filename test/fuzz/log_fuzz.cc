#include "base/error.h"
#include "fixed_keys.h"
#include "repo/internal/log.h"

namespace {

using namespace salvor;

/// What the decoder accepts, it also accepts as the encoder writes it, and with the same meaning.
template <class Decode>
void decode_twice(ByteView bytes, Decode decode) {
  try {
    decode(bytes);
  } catch (const Error&) {
    return;
  }
  const Bytes once = repo::encode(decode(bytes));
  SALVOR_ASSERT(repo::encode(decode(once)) == once);
}

}  // namespace

/// Any bytes as the content of a log entry, or (first byte odd) of a checkpoint.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView bytes = fuzz::input(data, size).subspan(1);
  if (data[0] % 2 == 0) {
    decode_twice(bytes, [](ByteView from) { return repo::decode_entry(from, "log/fuzz"); });
  } else {
    decode_twice(bytes, [](ByteView from) { return repo::decode_state(from, "checkpoint/fuzz"); });
  }
  return 0;
}
