#pragma once

#include <array>

#include "base/bytes.h"
#include "base/secret.h"

/// AES-256-GCM (NIST SP 800-38D).
namespace salvor::codec {

inline constexpr std::size_t kAeadKeyBytes = 32;
inline constexpr std::size_t kAeadNonceBytes = 12;
inline constexpr std::size_t kAeadTagBytes = 16;

using Nonce = std::array<std::byte, kAeadNonceBytes>;

/// A nonce that is a counter: the number, little-endian, in the first 8 bytes.
Nonce counter_nonce(std::uint64_t counter);

/// Seals and opens under one key. The caller never uses a nonce twice under a key.
/// Threads: any, at the same time (each call has a context of its own thread).
class Aead {
 public:
  explicit Aead(ByteView key);
  Aead(Aead&&) noexcept = default;
  Aead& operator=(Aead&&) noexcept = default;

  /// Shape: out.size() == plain.size() + kAeadTagBytes; ciphertext, then the tag. In place is
  /// allowed (out.data() == plain.data()).
  void seal(ByteView plain, ByteView associated, const Nonce& nonce, MutableByteView out) const;

  /// Shape: out.size() == sealed.size() - kAeadTagBytes.   Returns false, and leaves nothing of the
  /// content in `out`, when `sealed`, `associated`, nonce and key do not belong together.
  [[nodiscard]] bool open(ByteView sealed, ByteView associated, const Nonce& nonce,
                          MutableByteView out) const;

 private:
  Secret key_;
};

}  // namespace salvor::codec
