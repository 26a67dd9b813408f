// The one-shot SHA256_* interface is deprecated in favour of EVP, whose context copies cost more
// than hashing a 1 KiB file; a million small files are a normal case here.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "codec/hash.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <xxhash.h>

#include <cstring>

namespace salvor::codec {
namespace {

constexpr std::size_t kBlock_bytes = 64;

void update(SHA256_CTX& context, ByteView bytes) {
  SHA256_Update(&context, bytes.data(), bytes.size());
}

Digest finish(SHA256_CTX& context) {
  Digest digest;
  SHA256_Final(as_unsigned(digest.data()), &context);
  return digest;
}

}  // namespace

struct Hmac::State {
  SHA256_CTX inner;
  SHA256_CTX outer;
  ~State() { OPENSSL_cleanse(this, sizeof *this); }
};

Digest sha256(ByteView bytes) {
  SHA256_CTX context;
  SHA256_Init(&context);
  update(context, bytes);
  return finish(context);
}

Hmac::Hmac(ByteView key) : state_(std::make_unique<State>()) {
  std::array<std::byte, kBlock_bytes> block{};
  if (key.size() > block.size()) {
    const Digest digest = sha256(key);
    std::memcpy(block.data(), digest.data(), digest.size());
  } else {
    std::memcpy(block.data(), key.data(), key.size());
  }
  for (std::byte& byte : block) byte ^= std::byte{0x36};
  SHA256_Init(&state_->inner);
  update(state_->inner, block);
  for (std::byte& byte : block) byte ^= std::byte{0x36 ^ 0x5C};
  SHA256_Init(&state_->outer);
  update(state_->outer, block);
  OPENSSL_cleanse(block.data(), block.size());
}

Hmac::Hmac(Hmac&&) noexcept = default;
Hmac& Hmac::operator=(Hmac&&) noexcept = default;
Hmac::~Hmac() = default;

Digest Hmac::digest(ByteView message) const {
  return digest(message, {});
}

Digest Hmac::digest(ByteView head, ByteView tail) const {
  SHA256_CTX context = state_->inner;
  update(context, head);
  update(context, tail);
  const Digest inner = finish(context);
  context = state_->outer;
  update(context, inner);
  return finish(context);
}

bool equal_in_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

namespace {
Checksum canonical(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  Checksum result;
  static_assert(sizeof bytes == sizeof result);
  std::memcpy(result.data(), &bytes, sizeof bytes);
  return result;
}
}  // namespace

Checksum checksum(ByteView bytes) {
  return canonical(XXH3_128bits(bytes.data(), bytes.size()));
}

struct Sha256Stream::State {
  SHA256_CTX context;
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {
  SHA256_Init(&state_->context);
}
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;
Sha256Stream::~Sha256Stream() = default;
void Sha256Stream::add(ByteView bytes) {
  update(state_->context, bytes);
}
Digest Sha256Stream::finish() {
  return salvor::codec::finish(state_->context);
}

struct ChecksumStream::State {
  XXH3_state_t* xxh = XXH3_createState();
  ~State() { XXH3_freeState(xxh); }
};

ChecksumStream::ChecksumStream() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(state_->xxh);
}
ChecksumStream::ChecksumStream(ChecksumStream&&) noexcept = default;
ChecksumStream& ChecksumStream::operator=(ChecksumStream&&) noexcept = default;
ChecksumStream::~ChecksumStream() = default;
void ChecksumStream::add(ByteView bytes) {
  XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
}
Checksum ChecksumStream::finish() const {
  return canonical(XXH3_128bits_digest(state_->xxh));
}

}  // namespace salvor::codec
