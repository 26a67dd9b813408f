#include "codec/signature.h"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace salvor::codec {
namespace {

static_assert(kSigningSeedBytes == crypto_sign_SEEDBYTES);
static_assert(kSigningPublicBytes == crypto_sign_PUBLICKEYBYTES);
static_assert(kSignatureBytes == crypto_sign_BYTES);

constexpr std::string_view kPemBegin = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view kPemEnd = "-----END PUBLIC KEY-----";

/// SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 bytes }, up to the key itself.
constexpr std::array<unsigned char, 12> kInfoHead = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                     0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

bool is_blank(char each) {
  return each == ' ' || each == '\t' || each == '\r' || each == '\n';
}

}  // namespace

SigningKey::SigningKey(ByteView seed)
    : key_(crypto_sign_SECRETKEYBYTES), public_key_(kSigningPublicBytes) {
  SALVOR_ASSERT(sodium_init() >= 0 && seed.size() == kSigningSeedBytes);
  crypto_sign_seed_keypair(as_unsigned(public_key_.data()), as_unsigned(key_.mutable_view().data()),
                           as_unsigned(seed.data()));
}

Bytes SigningKey::sign(ByteView message) const {
  Bytes signature(kSignatureBytes);
  crypto_sign_detached(as_unsigned(signature.data()), nullptr, as_unsigned(message.data()),
                       message.size(), as_unsigned(key_.view().data()));
  return signature;
}

bool verify_signature(ByteView message, ByteView signature, ByteView public_key) {
  SALVOR_ASSERT(sodium_init() >= 0);
  return signature.size() == kSignatureBytes && public_key.size() == kSigningPublicBytes &&
         crypto_sign_verify_detached(as_unsigned(signature.data()), as_unsigned(message.data()),
                                     message.size(), as_unsigned(public_key.data())) == 0;
}

std::string write_public_key_pem(ByteView public_key) {
  SALVOR_ASSERT(public_key.size() == kSigningPublicBytes);
  Bytes info = to_bytes(std::as_bytes(std::span(kInfoHead)));
  info.insert(info.end(), public_key.begin(), public_key.end());
  return std::string(kPemBegin) + "\n" + to_base64(info) + "\n" + std::string(kPemEnd) + "\n";
}

std::optional<Bytes> read_public_key_pem(std::string_view pem) {
  const std::size_t begin = pem.find(kPemBegin);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::size_t body = begin + kPemBegin.size();
  const std::size_t end = pem.find(kPemEnd, body);
  if (end == std::string_view::npos) return std::nullopt;
  std::string text(pem.substr(body, end - body));
  std::erase_if(text, is_blank);
  const auto info = from_base64(text);
  const ByteView head = std::as_bytes(std::span(kInfoHead));
  if (!info || info->size() != head.size() + kSigningPublicBytes ||
      !std::equal(head.begin(), head.end(), info->begin())) {
    return std::nullopt;
  }
  return to_bytes(ByteView(*info).subspan(head.size()));
}

std::string to_base64(ByteView bytes) {
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), as_unsigned(bytes.data()), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the zero that closes it
  return text;
}

std::optional<Bytes> from_base64(std::string_view text) {
  Bytes bytes(text.size() / 4 * 3 + 3);
  std::size_t size = 0;
  if (sodium_base642bin(as_unsigned(bytes.data()), bytes.size(), text.data(), text.size(), nullptr,
                        &size, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0) {
    return std::nullopt;
  }
  bytes.resize(size);
  // What the library lets pass besides the one right text must not pass here.
  if (to_base64(bytes) != text) return std::nullopt;
  return bytes;
}

}  // namespace salvor::codec
