#include "codec/hash.h"

#include <gtest/gtest.h>

#include "testing/hex.h"
#include "testing/seeded_rng.h"

namespace salvor::codec {
namespace {

using testing::unhex;

// FIPS 180-4, the examples that NIST publishes with it.
TEST(Sha256, PublishedVectors) {
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(to_hex(sha256(Bytes(1'000'000, std::byte{'a'}))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  Sha256Stream stream;
  for (int i = 0; i < 1'000; ++i) stream.add(Bytes(1'000, std::byte{'a'}));
  EXPECT_EQ(stream.finish(), sha256(Bytes(1'000'000, std::byte{'a'})));
}

struct HmacVector {
  Bytes key;
  Bytes message;
  std::string_view digest;
};

// RFC 4231, section 4; case 5 is one of truncated output, which does not exist here.
std::vector<HmacVector> rfc_4231() {
  Bytes counting(25);
  for (std::size_t i = 0; i < counting.size(); ++i) counting[i] = static_cast<std::byte>(i + 1);
  const Bytes long_key(131, std::byte{0xAA});
  return {
      {Bytes(20, std::byte{0x0B}), to_bytes("Hi There"),
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {to_bytes("Jefe"), to_bytes("what do ya want for nothing?"),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {Bytes(20, std::byte{0xAA}), Bytes(50, std::byte{0xDD}),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {counting, Bytes(50, std::byte{0xCD}),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {long_key, to_bytes("Test Using Larger Than Block-Size Key - Hash Key First"),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {long_key,
       to_bytes("This is a test using a larger than block-size key and a larger than block-size "
                "data. The key needs to be hashed before being used by the HMAC algorithm."),
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
}

TEST(Hmac, PublishedVectors) {
  for (const HmacVector& vector : rfc_4231()) {
    const Hmac hmac(vector.key);
    EXPECT_EQ(to_hex(hmac.digest(vector.message)), vector.digest);
    EXPECT_EQ(to_hex(hmac.digest(vector.message)), vector.digest) << "the second time";
  }
}

TEST(Hmac, OfTwoPartsIsThatOfTheWhole) {
  for (const HmacVector& vector : rfc_4231()) {
    const Hmac hmac(vector.key);
    const ByteView message = vector.message;
    for (std::size_t cut = 0; cut <= message.size(); ++cut) {
      EXPECT_EQ(to_hex(hmac.digest(message.first(cut), message.subspan(cut))), vector.digest);
    }
  }
}

TEST(Hmac, MovesWithItsKey) {
  Hmac first(as_bytes("Jefe"));
  Hmac second(as_bytes("another"));
  second = std::move(first);
  const Hmac third(std::move(second));
  EXPECT_EQ(to_hex(third.digest(as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(EqualInConstantTime, ComparesLengthAndBytes) {
  EXPECT_TRUE(equal_in_constant_time({}, {}));
  EXPECT_TRUE(equal_in_constant_time(as_bytes("same"), as_bytes("same")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("same"), as_bytes("samf")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("same"), as_bytes("Same")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("same"), as_bytes("sam")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes(""), as_bytes("a")));
}

// What xxhsum -H2 prints: XXH3-128 with seed 0, canonical.
TEST(Checksum, KnownValues) {
  EXPECT_EQ(to_hex(checksum({})), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(to_hex(checksum(as_bytes("a"))), "a96faf705af16834e6c632b61e964e1f");
  EXPECT_EQ(to_hex(checksum(as_bytes("abc"))), "06b05ab6733a618578af5f94892f3950");
}

TEST(Checksum, OfAStreamIsThatOfTheWhole) {
  testing::SeededRng rng(testing::test_seed());
  for (int round = 0; round < 50; ++round) {
    const Bytes bytes = rng.bytes(rng.below(5000));
    ChecksumStream stream;
    ByteView rest = bytes;
    while (!rest.empty()) {
      const std::size_t count = 1 + rng.below(rest.size());
      stream.add(rest.first(count));
      rest = rest.subspan(count);
    }
    EXPECT_EQ(stream.finish(), checksum(bytes));
    EXPECT_EQ(stream.finish(), checksum(bytes)) << "finish() changes nothing";
  }
}

TEST(Checksum, SeesEveryFlippedBit) {
  const Bytes bytes = unhex("00ff1020304050607080");
  const Checksum sum = checksum(bytes);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Bytes damaged = bytes;
    damaged[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_NE(checksum(damaged), sum) << "bit " << bit;
  }
}

}  // namespace
}  // namespace salvor::codec
