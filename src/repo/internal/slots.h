#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "codec/kdf.h"
#include "repo/internal/keys.h"
#include "repo/repository.h"

/// Key slots (docs/format.md, section 5).
namespace salvor::repo {

/// One slot, parsed and checked for damage, not yet for authenticity. A value.
struct Slot {
  SlotId id;
  SlotKind kind = SlotKind::recipient;
  std::string label;
  std::string created;
  Bytes public_key;
  codec::Argon2Cost cost;  ///< passphrase only, with the two below
  Bytes salt;
  Bytes sealed_private_key;
  Bytes ring;
  std::uint64_t epochs = 0;
  Bytes mac;
};

std::string slot_name(const SlotId& id);

/// The document of a slot; its checksum and mac are made anew.
std::string write_slot(const Slot& slot, const codec::Hmac& mac);

/// Errors: corruption.
Slot parse_slot(const SlotId& id, std::string_view text);

/// Whether somebody who holds the root key made it.
bool authentic(const Slot& slot, const codec::Hmac& mac);

/// Seals the ring of `keys` for a new holder.
Slot make_slot(const Keys& keys, const NewSlot& wanted, Clock& clock, Rng& rng);

/// The same holder, a new name, and the ring of `keys`.
Slot reseal(const Slot& slot, const Keys& keys, Rng& rng);

/// The ring, when this passphrase or private key opens the slot.
std::optional<KeyRing> open_slot(const Slot& slot, const Credentials& credentials);

}  // namespace salvor::repo
