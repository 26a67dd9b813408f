#include "codec/sealed_box.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "testing/hex.h"

namespace salvor::codec {
namespace {

using testing::unhex;

// RFC 7748, section 6.1: Alice and Bob.
TEST(SealedBox, PublicKeysOfPublishedPrivateKeys) {
  const Bytes alice = unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const Bytes bob = unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  EXPECT_EQ(to_hex(box_public_key(alice)),
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(to_hex(box_public_key(bob)),
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
}

TEST(SealedBox, OpensForItsKeyOnly) {
  const BoxKeyPair pair = make_box_key_pair();
  const BoxKeyPair other = make_box_key_pair();
  EXPECT_EQ(box_public_key(pair.private_key.view()), pair.public_key);
  EXPECT_NE(pair.public_key, other.public_key);
  for (const std::string_view plain : {"", "a", "the key ring of a repository"}) {
    const Bytes sealed = seal_box(as_bytes(plain), pair.public_key);
    EXPECT_EQ(sealed.size(), plain.size() + kBoxOverheadBytes);
    const auto opened = open_box(sealed, pair.private_key.view());
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(as_text(opened->view()), plain);
    EXPECT_FALSE(open_box(sealed, other.private_key.view()).has_value());
  }
}

TEST(SealedBox, NeverTheSameTwice) {
  const BoxKeyPair pair = make_box_key_pair();
  EXPECT_NE(seal_box(as_bytes("ring"), pair.public_key),
            seal_box(as_bytes("ring"), pair.public_key));
}

TEST(SealedBox, RefusesEveryFlippedBitAndTruncation) {
  const BoxKeyPair pair = make_box_key_pair();
  const Bytes sealed = seal_box(as_bytes("ring"), pair.public_key);
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    // X25519 ignores the highest bit of a public key, but the nonce is made from all its bytes.
    Bytes damaged = sealed;
    damaged[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(open_box(damaged, pair.private_key.view()).has_value()) << "bit " << bit;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(open_box(ByteView(sealed).first(size), pair.private_key.view()).has_value());
  }
}

TEST(SealedBox, KeysOfAnotherSizeOpenNothing) {
  const BoxKeyPair pair = make_box_key_pair();
  const Bytes sealed = seal_box(as_bytes("ring"), pair.public_key);
  EXPECT_FALSE(open_box(sealed, {}).has_value());
  EXPECT_FALSE(open_box(sealed, pair.private_key.view().first(31)).has_value());
}

TEST(SealedBox, WhatIsNoPublicKeyIsAConfigurationError) {
  // 31 bytes; and the points 0 and 1, of small order.
  Bytes one(kBoxKeyBytes);
  one[0] = std::byte{1};
  for (const Bytes& key : {Bytes(31, std::byte{9}), Bytes{}, Bytes(kBoxKeyBytes), one}) {
    try {
      seal_box(as_bytes("ring"), key);
      FAIL() << "sealed for " << to_hex(key);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::configuration);
      EXPECT_NE(error.message().find("cannot seal for " + to_hex(key)), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace salvor::codec
