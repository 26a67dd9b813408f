#include "base/error.h"
#include "fixed_keys.h"
#include "repo/internal/slots.h"

/// Any bytes as a key slot: parsed to exactly what was written, or refused. Passphrases are not
/// tried: that costs what the slot says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace salvor;
  const auto id = fuzz::id_of<repo::SlotId>(0x33);
  const codec::Hmac& mac = fuzz::fixed_keys().slot_mac();
  repo::Slot slot;
  try {
    slot = repo::parse_slot(id, as_text(fuzz::input(data, size)));
  } catch (const Error&) {
    return 0;
  }
  const std::string written = repo::write_slot(slot, mac);
  SALVOR_ASSERT(repo::authentic(repo::parse_slot(id, written), mac));
  if (repo::authentic(slot, mac)) SALVOR_ASSERT(written == as_text(fuzz::input(data, size)));
  repo::Credentials credentials;
  credentials.private_key.emplace(Bytes(32, std::byte{0x55}));
  try {
    repo::open_slot(slot, credentials);
  } catch (const Error&) {
    // Whoever has the public key can seal what is no key ring.
  }
  return 0;
}
