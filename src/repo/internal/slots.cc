#include "repo/internal/slots.h"

#include "base/error.h"
#include "base/json.h"
#include "codec/aead.h"
#include "codec/sealed_box.h"
#include "repo/internal/object.h"

namespace salvor::repo {
namespace {

using nlohmann::json;

constexpr int kSlotVersion = 1;
constexpr std::size_t kSealedPrivateKeyBytes = codec::kBoxKeyBytes + codec::kAeadTagBytes;

/// A label that is not UTF-8 gets replacement characters.
std::string write_slot(const json& document) {
  return write_json(document, 1, InvalidUtf8::replace) + "\n";
}

/// Bounded in depth, so that no hostile document exhausts the stack.
json parse_flat(std::string_view text) {
  constexpr int kDepthMax = 4;
  return try_parse_json(text, kDepthMax);
}

/// True for a document that was written just so, by this version or a newer one.
bool matches_its_checksum(json document) {
  const json checksum = document.value("checksum", json());
  document.erase("checksum");
  document.erase("mac");
  return checksum == to_hex(codec::checksum(as_bytes(write_slot(document))));
}

json body_of(const Slot& slot) {
  json document = {{"version", kSlotVersion},   {"label", slot.label},
                   {"created", slot.created},   {"public", to_hex(slot.public_key)},
                   {"ring", to_hex(slot.ring)}, {"epochs", slot.epochs}};
  if (slot.kind == SlotKind::passphrase) {
    document["kind"] = "passphrase";
    document["private"] = to_hex(slot.sealed_private_key);
    document["argon2id"] = {{"passes", slot.cost.passes},
                            {"memory_kib", slot.cost.memory_kib},
                            {"salt", to_hex(slot.salt)}};
  } else {
    document["kind"] = "recipient";
  }
  return document;
}

std::string checksum_of(const json& body) {
  return to_hex(codec::checksum(as_bytes(write_slot(body))));
}

/// The document up to the checksum: what the mac covers.
json checked_body(const Slot& slot) {
  json body = body_of(slot);
  body["checksum"] = checksum_of(body);
  return body;
}

Bytes hex_field(const std::string& name, const json& document, const char* field,
                std::size_t bytes_max) {
  const auto& text = document.at(field).get_ref<const std::string&>();
  if (text.size() > 2 * bytes_max) throw_damaged(name, std::string(field) + " is too long");
  Bytes bytes(text.size() / 2);
  if (!from_hex(text, bytes)) throw_damaged(name, std::string(field) + " is not hexadecimal");
  return bytes;
}

void read_passphrase_fields(Slot& slot, const std::string& name, const json& document) {
  const json& argon = document.at("argon2id");
  slot.cost.passes = argon.at("passes").get<std::uint32_t>();
  slot.cost.memory_kib = argon.at("memory_kib").get<std::uint32_t>();
  slot.salt = hex_field(name, argon, "salt", codec::kArgon2SaltBytes);
  slot.sealed_private_key = hex_field(name, document, "private", kSealedPrivateKeyBytes);
  const bool in_range = slot.cost.passes >= 1 && slot.cost.memory_kib >= 8 &&
                        slot.cost.passes <= codec::Argon2Cost::kPassesMax &&
                        slot.cost.memory_kib <= codec::Argon2Cost::kMemoryKibMax;
  if (!in_range || slot.salt.size() != codec::kArgon2SaltBytes ||
      slot.sealed_private_key.size() != kSealedPrivateKeyBytes) {
    throw_damaged(name, "its passphrase parameters are out of range");
  }
}

void seal_private_key(Slot& slot, ByteView private_key, ByteView passphrase) {
  const Secret key = codec::argon2id(passphrase, slot.salt, slot.cost);
  slot.sealed_private_key.resize(kSealedPrivateKeyBytes);
  codec::Aead(key.view())
      .seal(private_key, slot.public_key, codec::counter_nonce(0), slot.sealed_private_key);
}

std::optional<Secret> open_private_key(const Slot& slot, ByteView passphrase) {
  const Secret key = codec::argon2id(passphrase, slot.salt, slot.cost);
  Secret private_key(codec::kBoxKeyBytes);
  if (!codec::Aead(key.view())
           .open(slot.sealed_private_key, slot.public_key, codec::counter_nonce(0),
                 private_key.mutable_view())) {
    return std::nullopt;
  }
  return private_key;
}

void seal_ring(Slot& slot, const Keys& keys) {
  slot.ring = codec::seal_box(keys.ring().encode().view(), slot.public_key);
  slot.epochs = keys.ring().roots.size();
}

}  // namespace

std::string slot_name(const SlotId& id) {
  return "keys/" + id.hex();
}

std::string write_slot(const Slot& slot, const codec::Hmac& mac) {
  json document = checked_body(slot);
  document["mac"] = to_hex(mac.digest(as_bytes(write_slot(document))));
  return write_slot(document);
}

Slot parse_slot(const SlotId& id, std::string_view text) {
  const std::string name = slot_name(id);
  const json document = parse_flat(text);
  if (!document.is_object()) throw_damaged(name, "it is not a JSON document");
  try {
    if (!matches_its_checksum(document)) throw_damaged(name, "it is not as it was written");
    const auto version = document.at("version").get<int>();
    if (version > kSlotVersion) {
      throw Error(ErrorCode::configuration,
                  name + " has version " + std::to_string(version) + ", expected at most " +
                      std::to_string(kSlotVersion),
                  "use a newer salvor");
    }
    Slot slot;
    slot.id = id;
    slot.kind = document.at("kind") == "passphrase" ? SlotKind::passphrase : SlotKind::recipient;
    slot.label = document.at("label").get<std::string>();
    slot.created = document.at("created").get<std::string>();
    slot.public_key = hex_field(name, document, "public", codec::kBoxKeyBytes);
    slot.ring = hex_field(name, document, "ring", 4 * 1024 * 1024);
    slot.epochs = document.at("epochs").get<std::uint64_t>();
    if (slot.kind == SlotKind::passphrase) read_passphrase_fields(slot, name, document);
    slot.mac = hex_field(name, document, "mac", 32);
    json expected = checked_body(slot);
    expected["mac"] = document.at("mac");
    if (slot.public_key.size() != codec::kBoxKeyBytes || write_slot(expected) != text) {
      throw_damaged(name, "it is not as it was written");
    }
    return slot;
  } catch (const json::exception&) {
    throw_damaged(name, "a field is missing or of another type");
  }
}

bool authentic(const Slot& slot, const codec::Hmac& mac) {
  return codec::equal_in_constant_time(mac.digest(as_bytes(write_slot(checked_body(slot)))),
                                       slot.mac);
}

Slot make_slot(const Keys& keys, const NewSlot& wanted, Clock& clock, Rng& rng) {
  Slot slot;
  slot.id = random_id<SlotId>(rng);
  slot.label = wanted.label;
  slot.created = format_time(clock.now());
  if (wanted.passphrase) {
    slot.kind = SlotKind::passphrase;
    slot.cost = wanted.cost;
    slot.salt.resize(codec::kArgon2SaltBytes);
    rng.fill(slot.salt);
    const codec::BoxKeyPair pair = codec::make_box_key_pair();
    slot.public_key = pair.public_key;
    seal_private_key(slot, pair.private_key.view(), wanted.passphrase->view());
  } else {
    slot.public_key = wanted.recipient;
  }
  seal_ring(slot, keys);
  return slot;
}

Slot reseal(const Slot& slot, const Keys& keys, Rng& rng) {
  Slot fresh = slot;
  fresh.id = random_id<SlotId>(rng);
  seal_ring(fresh, keys);
  return fresh;
}

std::optional<KeyRing> open_slot(const Slot& slot, const Credentials& credentials) {
  std::optional<Secret> opened;
  if (slot.kind == SlotKind::passphrase && credentials.passphrase) {
    const auto own = open_private_key(slot, credentials.passphrase->view());
    if (own) opened = codec::open_box(slot.ring, own->view());
  } else if (slot.kind == SlotKind::recipient && credentials.private_key) {
    opened = codec::open_box(slot.ring, credentials.private_key->view());
  }
  if (!opened) return std::nullopt;
  return KeyRing::decode(opened->view());
}

}  // namespace salvor::repo
