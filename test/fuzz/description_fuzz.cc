#include "base/error.h"
#include "fixed_keys.h"
#include "repo/internal/description.h"

/// Any bytes as `salvor.json`: read as what it says, or refused; authentic only as written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace salvor;
  const std::string_view text = as_text(fuzz::input(data, size));
  const codec::Hmac& mac = fuzz::fixed_keys().description_mac();
  repo::Description description;
  try {
    description = repo::parse_description(text);
  } catch (const Error&) {
    return 0;
  }
  const codec::Chunker chunker(fuzz::fixed_keys().chunker_key(), description.chunker);
  const std::string written = repo::write_description(description, mac);
  repo::authenticate_description(written, mac);
  SALVOR_ASSERT(repo::parse_description(written).repository == description.repository);
  try {
    repo::authenticate_description(text, mac);
  } catch (const Error&) {
    // Not made with this key.
  }
  return 0;
}
