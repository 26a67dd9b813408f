#include "codec/sealed_box.h"

#include <sodium.h>

#include "base/error.h"

namespace salvor::codec {

static_assert(kBoxKeyBytes == crypto_box_PUBLICKEYBYTES);
static_assert(kBoxKeyBytes == crypto_box_SECRETKEYBYTES);
static_assert(kBoxOverheadBytes == crypto_box_SEALBYTES);

BoxKeyPair make_box_key_pair() {
  SALVOR_ASSERT(sodium_init() >= 0);
  BoxKeyPair pair{Bytes(kBoxKeyBytes), Secret(kBoxKeyBytes)};
  crypto_box_keypair(as_unsigned(pair.public_key.data()),
                     as_unsigned(pair.private_key.mutable_view().data()));
  return pair;
}

Bytes box_public_key(ByteView private_key) {
  SALVOR_ASSERT(private_key.size() == kBoxKeyBytes);
  Bytes out(kBoxKeyBytes);
  SALVOR_ASSERT(crypto_scalarmult_base(as_unsigned(out.data()), as_unsigned(private_key.data())) ==
                0);
  return out;
}

Bytes seal_box(ByteView plain, ByteView public_key) {
  SALVOR_ASSERT(sodium_init() >= 0);
  Bytes out(plain.size() + kBoxOverheadBytes);
  // libsodium refuses points of small order: nobody holds a private key for them.
  if (public_key.size() != kBoxKeyBytes ||
      crypto_box_seal(as_unsigned(out.data()), as_unsigned(plain.data()), plain.size(),
                      as_unsigned(public_key.data())) != 0) {
    throw Error(ErrorCode::configuration,
                "cannot seal for " + to_hex(public_key) + ": it is not an X25519 public key");
  }
  return out;
}

std::optional<Secret> open_box(ByteView sealed, ByteView private_key) {
  SALVOR_ASSERT(sodium_init() >= 0);
  if (sealed.size() < kBoxOverheadBytes || private_key.size() != kBoxKeyBytes) return std::nullopt;
  const Bytes public_key = box_public_key(private_key);
  Secret plain(sealed.size() - kBoxOverheadBytes);
  if (crypto_box_seal_open(as_unsigned(plain.mutable_view().data()), as_unsigned(sealed.data()),
                           sealed.size(), as_unsigned(public_key.data()),
                           as_unsigned(private_key.data())) != 0) {
    return std::nullopt;
  }
  return plain;
}

}  // namespace salvor::codec
