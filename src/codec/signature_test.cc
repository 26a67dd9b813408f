#include "codec/signature.h"

#include <gtest/gtest.h>

#include "testing/hex.h"
#include "testing/seeded_rng.h"

namespace salvor::codec {
namespace {

using testing::unhex;

// RFC 8032, section 7.1, tests 1 and 3.
TEST(Signature, SignsAsPublished) {
  const SigningKey empty(unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
  EXPECT_EQ(to_hex(empty.public_key()),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  EXPECT_EQ(to_hex(empty.sign({})),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
  const SigningKey two(unhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"));
  const Bytes message = unhex("af82");
  EXPECT_EQ(to_hex(two.sign(message)),
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
  EXPECT_TRUE(verify_signature(message, two.sign(message), two.public_key()));
}

TEST(Signature, EveryChangedBitIsNoticed) {
  const SigningKey key(Bytes(kSigningSeedBytes, std::byte{7}));
  const Bytes message = to_bytes("what was signed");
  const Bytes signature = key.sign(message);
  ASSERT_TRUE(verify_signature(message, signature, key.public_key()));
  for (std::size_t bit = 0; bit < 8 * signature.size(); ++bit) {
    Bytes changed = signature;
    changed[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(verify_signature(message, changed, key.public_key())) << bit;
  }
  for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
    Bytes changed = message;
    changed[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(verify_signature(changed, signature, key.public_key())) << bit;
  }
  EXPECT_FALSE(verify_signature(message, ByteView(signature).first(63), key.public_key()));
  EXPECT_FALSE(verify_signature(message, signature, ByteView(key.public_key()).first(31)));
  EXPECT_FALSE(verify_signature(message, signature, Bytes(kSigningPublicBytes)));
}

// RFC 8410, section 10.1.
TEST(Signature, PublicKeysTravelAsPem) {
  const std::string pem =
      "-----BEGIN PUBLIC KEY-----\n"
      "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
      "-----END PUBLIC KEY-----\n";
  const auto key = read_public_key_pem(pem);
  ASSERT_TRUE(key);
  EXPECT_EQ(to_hex(*key), "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
  EXPECT_EQ(write_public_key_pem(*key), pem);
  EXPECT_EQ(read_public_key_pem("a note\r\n" + pem + "\r\nmore"), key);
  EXPECT_FALSE(read_public_key_pem(""));
  EXPECT_FALSE(read_public_key_pem(pem.substr(0, 60)));
  std::string other = pem;
  other[other.find("VwAy")] = 'W';  // another algorithm
  EXPECT_FALSE(read_public_key_pem(other));
}

TEST(Signature, Base64HasOneTextForGivenBytes) {
  // RFC 4648, section 10.
  for (const auto& [plain, text] : std::vector<std::pair<std::string, std::string>>{
           {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}}) {
    EXPECT_EQ(to_base64(as_bytes(plain)), text);
    EXPECT_EQ(from_base64(text), to_bytes(plain));
  }
  for (const char* text :
       {"Zg", "Zg=", "Zh==", "Zg==\n", "Z g==", "Zg==Zg==", "====", "Zg-_", "Z"}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
  testing::SeededRng rng(testing::test_seed());
  for (std::size_t size = 0; size < 200; ++size) {
    const Bytes bytes = rng.bytes(size);
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
  }
}

}  // namespace
}  // namespace salvor::codec
