#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/secret.h"

/// X25519 sealed boxes (libsodium's crypto_box_seal): who knows the public key can lock, only who
/// knows the private key can open.
namespace salvor::codec {

inline constexpr std::size_t kBoxKeyBytes = 32;
inline constexpr std::size_t kBoxOverheadBytes = 48;

struct BoxKeyPair {
  Bytes public_key;
  Secret private_key;
};

BoxKeyPair make_box_key_pair();
Bytes box_public_key(ByteView private_key);

/// Shape: the result is plain.size() + kBoxOverheadBytes.   Errors: configuration, when public_key
/// is no key.
Bytes seal_box(ByteView plain, ByteView public_key);

/// Empty when the box was not sealed for this key, or is damaged.
std::optional<Secret> open_box(ByteView sealed, ByteView private_key);

}  // namespace salvor::codec
