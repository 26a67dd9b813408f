#include "codec/kdf.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sodium.h>

#include <memory>
#include <string>

#include "base/error.h"

namespace salvor::codec {
namespace {

/// OpenSSL takes no null pointer, not even for no bytes.
OSSL_PARAM octets(const char* name, ByteView bytes) {
  static std::byte nothing{};
  return OSSL_PARAM_construct_octet_string(
      name, bytes.empty() ? &nothing : const_cast<std::byte*>(bytes.data()), bytes.size());
}

}  // namespace

Secret hkdf(ByteView key, ByteView salt, std::string_view info, std::size_t out_bytes) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(
      EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
      EVP_KDF_CTX_new(kdf.get()), EVP_KDF_CTX_free);
  std::string digest = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      octets(OSSL_KDF_PARAM_KEY, key),
      octets(OSSL_KDF_PARAM_SALT, salt),
      octets(OSSL_KDF_PARAM_INFO, as_bytes(info)),
      OSSL_PARAM_construct_end(),
  };
  Secret out(out_bytes);
  SALVOR_ASSERT(EVP_KDF_derive(context.get(), as_unsigned(out.mutable_view().data()), out.size(),
                               parameters) == 1);
  return out;
}

Secret argon2id(ByteView passphrase, ByteView salt, const Argon2Cost& cost) {
  SALVOR_ASSERT(salt.size() == crypto_pwhash_SALTBYTES && kArgon2SaltBytes == salt.size());
  SALVOR_ASSERT(sodium_init() >= 0);
  Secret out(32);
  // libsodium takes no null pointer, not even for an empty passphrase.
  const char* text = passphrase.empty() ? "" : reinterpret_cast<const char*>(passphrase.data());
  const int status =
      crypto_pwhash(as_unsigned(out.mutable_view().data()), out.size(), text, passphrase.size(),
                    as_unsigned(salt.data()), cost.passes, std::size_t{cost.memory_kib} * 1024,
                    crypto_pwhash_ALG_ARGON2ID13);
  if (status != 0) {
    throw Error(ErrorCode::failed,
                "cannot derive a key from the passphrase: " + std::to_string(cost.memory_kib) +
                    " KiB of memory, or " + std::to_string(cost.passes) +
                    " passes, are not available",
                "free some memory, or use a key file");
  }
  return out;
}

}  // namespace salvor::codec
