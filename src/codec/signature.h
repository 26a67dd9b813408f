#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/secret.h"

/// Ed25519 signatures (RFC 8032), and the texts that keys and signatures travel in.
namespace salvor::codec {

inline constexpr std::size_t kSigningSeedBytes = 32;
inline constexpr std::size_t kSigningPublicBytes = 32;
inline constexpr std::size_t kSignatureBytes = 64;

/// Signs.   Threads: sign() any.
class SigningKey {
 public:
  /// Shape: kSigningSeedBytes, secret.
  explicit SigningKey(ByteView seed);

  const Bytes& public_key() const { return public_key_; }
  Bytes sign(ByteView message) const;

 private:
  Secret key_;
  Bytes public_key_;
};

/// Errors: none: what is no key or no signature verifies nothing.   Threads: any.
bool verify_signature(ByteView message, ByteView signature, ByteView public_key);

/// A public key as SubjectPublicKeyInfo (RFC 8410), as `openssl pkey -pubin` reads it.
std::string write_public_key_pem(ByteView public_key);

/// Empty when the text is no PEM of an Ed25519 public key.
std::optional<Bytes> read_public_key_pem(std::string_view pem);

/// RFC 4648, section 4, with padding. The only text of given bytes is accepted back.
std::string to_base64(ByteView bytes);
std::optional<Bytes> from_base64(std::string_view text);

}  // namespace salvor::codec
