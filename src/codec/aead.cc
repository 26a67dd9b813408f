#include "codec/aead.h"

#include <openssl/evp.h>

#include <climits>
#include <cstring>

#include "base/error.h"

namespace salvor::codec {
namespace {

/// One context a thread: making one costs more than sealing a small object.
EVP_CIPHER_CTX* thread_context() {
  struct Context {
    EVP_CIPHER_CTX* made = EVP_CIPHER_CTX_new();
    EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    ~Context() {
      EVP_CIPHER_CTX_free(made);
      EVP_CIPHER_free(cipher);
    }
  };
  thread_local Context context;
  SALVOR_ASSERT(context.made != nullptr && context.cipher != nullptr);
  SALVOR_ASSERT(EVP_CipherInit_ex(context.made, context.cipher, nullptr, nullptr, nullptr, 1) == 1);
  return context.made;
}

int int_size(ByteView bytes) {
  SALVOR_ASSERT(bytes.size() <= INT_MAX);
  return static_cast<int>(bytes.size());
}

}  // namespace

Nonce counter_nonce(std::uint64_t counter) {
  Nonce nonce{};
  for (std::size_t i = 0; i < 8; ++i) nonce[i] = static_cast<std::byte>(counter >> (8 * i));
  return nonce;
}

Aead::Aead(ByteView key) : key_(key) {
  SALVOR_ASSERT(key.size() == kAeadKeyBytes);
}

void Aead::seal(ByteView plain, ByteView associated, const Nonce& nonce,
                MutableByteView out) const {
  SALVOR_ASSERT(out.size() == plain.size() + kAeadTagBytes);
  EVP_CIPHER_CTX* context = thread_context();
  int length = 0;
  bool good = EVP_EncryptInit_ex(context, nullptr, nullptr, as_unsigned(key_.view().data()),
                                 as_unsigned(nonce.data())) == 1;
  good = good && EVP_EncryptUpdate(context, nullptr, &length, as_unsigned(associated.data()),
                                   int_size(associated)) == 1;
  good = good && EVP_EncryptUpdate(context, as_unsigned(out.data()), &length,
                                   as_unsigned(plain.data()), int_size(plain)) == 1;
  good = good && EVP_EncryptFinal_ex(context, as_unsigned(out.data()) + length, &length) == 1;
  good = good && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, kAeadTagBytes,
                                     out.data() + plain.size()) == 1;
  SALVOR_ASSERT(good);
}

bool Aead::open(ByteView sealed, ByteView associated, const Nonce& nonce,
                MutableByteView out) const {
  if (sealed.size() < kAeadTagBytes) return false;
  const ByteView cipher = sealed.first(sealed.size() - kAeadTagBytes);
  SALVOR_ASSERT(out.size() == cipher.size());
  std::array<std::byte, kAeadTagBytes> tag;
  std::memcpy(tag.data(), sealed.data() + cipher.size(), tag.size());
  EVP_CIPHER_CTX* context = thread_context();
  int length = 0;
  bool good = EVP_DecryptInit_ex(context, nullptr, nullptr, as_unsigned(key_.view().data()),
                                 as_unsigned(nonce.data())) == 1;
  good = good && EVP_DecryptUpdate(context, nullptr, &length, as_unsigned(associated.data()),
                                   int_size(associated)) == 1;
  good = good && EVP_DecryptUpdate(context, as_unsigned(out.data()), &length,
                                   as_unsigned(cipher.data()), int_size(cipher)) == 1;
  good = good && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, kAeadTagBytes, tag.data()) == 1;
  good = good && EVP_DecryptFinal_ex(context, as_unsigned(out.data()) + length, &length) == 1;
  if (!good && !out.empty()) std::memset(out.data(), 0, out.size());
  return good;
}

}  // namespace salvor::codec
