#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/secret.h"

/// X25519 sealed boxes (libsodium's crypto_box_seal): who knows the public key can lock, and only
/// who knows the private key can open. A box does not say who locked it.
/// Threads: any.
namespace salvor::codec {

/// Sizes of either key, and of what a box adds to its content.
inline constexpr std::size_t kBoxKeyBytes = 32;
inline constexpr std::size_t kBoxOverheadBytes = 48;

/// Two keys that belong together. Move only, since one of them is secret.
struct BoxKeyPair {
  Bytes public_key;
  Secret private_key;
};

/// A new pair, from the kernel's generator.
BoxKeyPair make_box_key_pair();
/// The public key that belongs to a private one of kBoxKeyBytes bytes; any other size ends the
/// process.
Bytes box_public_key(ByteView private_key);

/// Locks `plain` for the owner of `public_key`.
/// Shape:  the result has plain.size() + kBoxOverheadBytes bytes.
/// Errors: configuration, when `public_key` is no key: it comes from a user.
Bytes seal_box(ByteView plain, ByteView public_key);

/// Empty when the box was not sealed for this key, or is damaged: the two can't be told apart.
/// Errors: none.
std::optional<Secret> open_box(ByteView sealed, ByteView private_key);

}  // namespace salvor::codec
