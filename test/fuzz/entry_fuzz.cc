#include "stores/entry.h"

#include <algorithm>

#include "base/error.h"
#include "fixed_keys.h"

/// Any bytes as the metadata of an entry: they are the one encoding of what they mean, or refused.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace salvor;
  const ByteView bytes = fuzz::input(data, size);
  try {
    const Bytes encoded = stores::encode(stores::decode_entry(bytes));
    SALVOR_ASSERT(std::equal(encoded.begin(), encoded.end(), bytes.begin(), bytes.end()));
  } catch (const Error&) {
    // What is expected of nearly every input.
  }
  return 0;
}
