#include "evidence/evidence.h"
#include "fixed_keys.h"

/// Any bytes as an export of evidence: a report, and never sound with a key that signed nothing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace salvor;
  const std::string_view text = as_text(fuzz::input(data, size));
  evidence::verify_export(text, {});
  const codec::SigningKey key(Bytes(codec::kSigningSeedBytes, std::byte{0x66}));
  SALVOR_ASSERT(!evidence::verify_export(text, key.public_key()).sound());
  return 0;
}
