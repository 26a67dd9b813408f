#include "codec/aead.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "testing/hex.h"
#include "testing/seeded_rng.h"

namespace salvor::codec {
namespace {

using testing::unhex;

Nonce nonce_of(std::string_view hex) {
  Nonce nonce;
  EXPECT_TRUE(from_hex(hex, nonce)) << hex;
  return nonce;
}

Bytes sealed_with(const Aead& aead, ByteView plain, ByteView associated, const Nonce& nonce) {
  Bytes out(plain.size() + kAeadTagBytes);
  aead.seal(plain, associated, nonce, out);
  return out;
}

struct Vector {
  std::string_view key;
  std::string_view nonce;
  std::string_view plain;
  std::string_view associated;
  std::string_view sealed;  ///< ciphertext and tag
};

// The cases 13 to 16 of the GCM submission to NIST (McGrew, Viega), which SP 800-38D refers to.
constexpr Vector kVectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "00000000000000000000000000000000", "",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST(Aead, PublishedVectors) {
  for (const Vector& vector : kVectors) {
    const Aead aead(unhex(vector.key));
    const Bytes associated = unhex(vector.associated);
    const Nonce nonce = nonce_of(vector.nonce);
    EXPECT_EQ(to_hex(sealed_with(aead, unhex(vector.plain), associated, nonce)), vector.sealed);
    Bytes opened(vector.plain.size() / 2);
    EXPECT_TRUE(aead.open(unhex(vector.sealed), associated, nonce, opened));
    EXPECT_EQ(to_hex(opened), vector.plain);
  }
}

TEST(Aead, SealsAndOpensInPlace) {
  const Aead aead(Bytes(kAeadKeyBytes, std::byte{7}));
  const Bytes plain = to_bytes("some content of a frame, longer than two blocks of AES");
  Bytes buffer = plain;
  buffer.resize(plain.size() + kAeadTagBytes);
  aead.seal(ByteView(buffer).first(plain.size()), {}, counter_nonce(9), buffer);
  EXPECT_EQ(buffer, sealed_with(aead, plain, {}, counter_nonce(9)));
  ASSERT_TRUE(aead.open(buffer, {}, counter_nonce(9), MutableByteView(buffer).first(plain.size())));
  buffer.resize(plain.size());
  EXPECT_EQ(buffer, plain);
}

TEST(Aead, CounterNonceIsLittleEndianInTheFirstEightBytes) {
  EXPECT_EQ(to_hex(counter_nonce(0)), "000000000000000000000000");
  EXPECT_EQ(to_hex(counter_nonce(0x0102030405060708)), "080706050403020100000000");
  EXPECT_EQ(to_hex(counter_nonce(~0ULL)), "ffffffffffffffff00000000");
}

/// open() refuses, and what was in `out` does not become content.
void expect_refused(const Aead& aead, ByteView sealed, ByteView associated, const Nonce& nonce,
                    const std::string& what) {
  Bytes out(sealed.size() - kAeadTagBytes, std::byte{0x55});
  EXPECT_FALSE(aead.open(sealed, associated, nonce, out)) << what;
  EXPECT_EQ(out, Bytes(out.size())) << what;
}

TEST(Aead, RefusesEveryFlippedBit) {
  const Aead aead(Bytes(kAeadKeyBytes, std::byte{7}));
  const Bytes associated = to_bytes("position 4711");
  const Nonce nonce = counter_nonce(4711);
  const Bytes sealed =
      sealed_with(aead, as_bytes("forty-two bytes of what nobody may see .."), associated, nonce);
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    Bytes damaged = sealed;
    damaged[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    expect_refused(aead, damaged, associated, nonce, "sealed, bit " + std::to_string(bit));
  }
  for (std::size_t bit = 0; bit < 8 * associated.size(); ++bit) {
    Bytes damaged = associated;
    damaged[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    expect_refused(aead, sealed, damaged, nonce, "associated, bit " + std::to_string(bit));
  }
  for (std::size_t bit = 0; bit < 8 * nonce.size(); ++bit) {
    Nonce damaged = nonce;
    damaged[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    expect_refused(aead, sealed, associated, damaged, "nonce, bit " + std::to_string(bit));
  }
}

TEST(Aead, RefusesEveryTruncationAndAnotherKey) {
  const Aead aead(Bytes(kAeadKeyBytes, std::byte{7}));
  const Bytes sealed = sealed_with(aead, as_bytes("content"), {}, counter_nonce(1));
  for (std::size_t size = kAeadTagBytes; size < sealed.size(); ++size) {
    expect_refused(aead, ByteView(sealed).first(size), {}, counter_nonce(1),
                   "size " + std::to_string(size));
  }
  EXPECT_FALSE(aead.open(ByteView(sealed).first(kAeadTagBytes - 1), {}, counter_nonce(1), {}));
  EXPECT_FALSE(aead.open({}, {}, counter_nonce(1), {}));
  const Aead other(Bytes(kAeadKeyBytes, std::byte{8}));
  expect_refused(other, sealed, {}, counter_nonce(1), "another key");
}

TEST(Aead, OneKeyServesManyThreads) {
  const std::uint64_t seed = testing::test_seed();
  const Aead aead(Bytes(kAeadKeyBytes, std::byte{7}));
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        testing::SeededRng rng(seed + thread);
        for (std::uint64_t i = 0; i < 200; ++i) {
          const Bytes plain = rng.bytes(rng.below(3000));
          const Nonce nonce = counter_nonce(thread << 32U | i);
          const Bytes sealed = sealed_with(aead, plain, as_bytes("ad"), nonce);
          Bytes opened(plain.size());
          if (!aead.open(sealed, as_bytes("ad"), nonce, opened) || opened != plain) ++wrong;
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace salvor::codec
