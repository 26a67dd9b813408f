#pragma once

#include <array>

#include "base/bytes.h"
#include "base/secret.h"

/// Authenticated encryption: AES-256-GCM (NIST SP 800-38D). Under one key a nonce must never be
/// used twice: who has two ciphertexts of one nonce can forge others. Hence each pack and each
/// sealed object has a key of its own, in which counter_nonce() counts from an offset.
namespace salvor::codec {

/// Sizes of a key, a nonce and the tag that seal() appends.
inline constexpr std::size_t kAeadKeyBytes = 32;
inline constexpr std::size_t kAeadNonceBytes = 12;
inline constexpr std::size_t kAeadTagBytes = 16;

/// What makes two encryptions under one key differ. Not secret.
using Nonce = std::array<std::byte, kAeadNonceBytes>;

/// The nonce that is a number: little-endian in the first 8 bytes, then zeros.
Nonce counter_nonce(std::uint64_t counter);

/// Seals and opens under one key. The caller never uses a nonce twice under a key. `associated` is
/// authenticated, not encrypted, and must be the same at open(): it binds the content to its place.
/// Threads:  any, at the same time; each thread has a context of its own.
/// Lifetime: keeps a copy of the key, and wipes it.
class Aead {
 public:
  /// Shape: `key` has kAeadKeyBytes bytes; anything else ends the process.
  explicit Aead(ByteView key);
  Aead(Aead&&) noexcept = default;
  Aead& operator=(Aead&&) noexcept = default;

  /// Encrypts `plain`, and appends the tag. In place is allowed (out.data() == plain.data()).
  /// Shape:  out.size() == plain.size() + kAeadTagBytes.
  /// Errors: none.
  void seal(ByteView plain, ByteView associated, const Nonce& nonce, MutableByteView out) const;

  /// Decrypts what seal() made. False, and `out` is all zeros, when `sealed`, `associated`, nonce
  /// and key do not belong together: then nothing of the content is given away.
  /// Shape:  out.size() == sealed.size() - kAeadTagBytes; a shorter `sealed` is false.
  /// Errors: none; callers throw `corruption`, and name the object.
  [[nodiscard]] bool open(ByteView sealed, ByteView associated, const Nonce& nonce,
                          MutableByteView out) const;

 private:
  Secret key_;
};

}  // namespace salvor::codec
