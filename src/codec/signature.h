#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/secret.h"

/// Ed25519 signatures (RFC 8032), and the texts in which keys and signatures travel.
namespace salvor::codec {

/// Sizes of the secret that a key is made from, of the public key, and of a signature.
inline constexpr std::size_t kSigningSeedBytes = 32;
inline constexpr std::size_t kSigningPublicBytes = 32;
inline constexpr std::size_t kSignatureBytes = 64;

/// Signs under one key.
/// Threads:  sign() any, at the same time.
/// Lifetime: wipes its secret.
class SigningKey {
 public:
  /// The same seed always gives the same key.
  /// Shape: `seed` has kSigningSeedBytes bytes, and is secret; any other size ends the process.
  explicit SigningKey(ByteView seed);

  const Bytes& public_key() const { return public_key_; }
  Bytes sign(ByteView message) const;

 private:
  Secret key_;
  Bytes public_key_;
};

/// Whether the signature is that of the message under the key.
/// Errors:  none: what is no key, or no signature, verifies nothing.
/// Threads: any.
bool verify_signature(ByteView message, ByteView signature, ByteView public_key);

/// A public key as SubjectPublicKeyInfo (RFC 8410), as `openssl pkey -pubin` reads it, so that an
/// auditor needs no salvor to verify.
std::string write_public_key_pem(ByteView public_key);

/// The reverse. Text before and after the PEM block is passed over. Empty when there is no PEM of
/// an Ed25519 public key.
std::optional<Bytes> read_public_key_pem(std::string_view pem);

/// Base64 (RFC 4648, section 4) with padding. from_base64() takes the one text that to_base64()
/// makes of given bytes, and no other, so that no signed text has two forms.
std::string to_base64(ByteView bytes);
std::optional<Bytes> from_base64(std::string_view text);

}  // namespace salvor::codec
