#include "codec/kdf.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "testing/hex.h"

namespace salvor::codec {
namespace {

using testing::unhex;

/// The bytes from `first` to `last`.
Bytes counting(unsigned first, unsigned last) {
  Bytes bytes;
  for (unsigned value = first; value <= last; ++value) {
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

std::string hkdf_hex(ByteView key, ByteView salt, ByteView info, std::size_t out_bytes) {
  return to_hex(hkdf(key, salt, as_text(info), out_bytes).view());
}

// RFC 5869, appendix A, cases 1 to 3.
TEST(Hkdf, PublishedVectors) {
  EXPECT_EQ(hkdf_hex(Bytes(22, std::byte{0x0B}), counting(0x00, 0x0C), counting(0xF0, 0xF9), 42),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(hkdf_hex(counting(0x00, 0x4F), counting(0x60, 0xAF), counting(0xB0, 0xFF), 82),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41"
            "c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  EXPECT_EQ(hkdf_hex(Bytes(22, std::byte{0x0B}), {}, {}, 42),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Hkdf, EveryInputAndTheLengthMatter) {
  const Bytes key(32, std::byte{1});
  const Bytes salt(16, std::byte{2});
  const std::string reference = to_hex(hkdf(key, salt, "info", 32).view());
  EXPECT_NE(to_hex(hkdf(Bytes(32, std::byte{3}), salt, "info", 32).view()), reference);
  EXPECT_NE(to_hex(hkdf(key, Bytes(16, std::byte{3}), "info", 32).view()), reference);
  EXPECT_NE(to_hex(hkdf(key, salt, "inf", 32).view()), reference);
  EXPECT_EQ(to_hex(hkdf(key, salt, "info", 16).view()), reference.substr(0, 32));
  EXPECT_EQ(hkdf(key, salt, "info", 8160).size(), 8160U);
}

TEST(Argon2id, ValuesOfTheReferenceImplementation) {
  // printf password | argon2 sixteen-byte-slt -id -t 2 -k 64 -p 1 -l 32 -r
  EXPECT_EQ(to_hex(argon2id(as_bytes("password"), as_bytes("sixteen-byte-slt"), {2, 64}).view()),
            "17c9c41d66a11901ce411bb9e86a331839787b0899198585a3846d110f5db270");
  // printf password | argon2 sixteen-byte-slt -id -t 3 -m 16 -p 1 -l 32 -r
  EXPECT_EQ(to_hex(argon2id(as_bytes("password"), as_bytes("sixteen-byte-slt"), {}).view()),
            "3a038a016fc9b27b35be8a254e22dc067b86573c978e56e8f19a710d719d8f6c");
}

TEST(Argon2id, EveryInputMatters) {
  const Bytes salt = unhex("000102030405060708090a0b0c0d0e0f");
  const auto key = [&](std::string_view passphrase, const Bytes& with, Argon2Cost cost) {
    return to_hex(argon2id(as_bytes(passphrase), with, cost).view());
  };
  const std::string reference = key("correct horse", salt, {1, 8});
  EXPECT_EQ(key("correct horse", salt, {1, 8}), reference);
  EXPECT_NE(key("correct hors", salt, {1, 8}), reference);
  EXPECT_NE(key("", salt, {1, 8}), reference);
  EXPECT_NE(key("correct horse", salt, {2, 8}), reference);
  EXPECT_NE(key("correct horse", salt, {1, 16}), reference);
  EXPECT_NE(key("correct horse", Bytes(16), {1, 8}), reference);
}

TEST(Argon2id, ImpossibleCostIsAnErrorThatSaysWhatToDo) {
  try {
    argon2id(as_bytes("password"), Bytes(kArgon2SaltBytes), {0, 64});
    FAIL() << "no passes were accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_NE(error.message().find("64 KiB"), std::string::npos) << error.message();
    EXPECT_FALSE(error.hint().empty());
  }
}

}  // namespace
}  // namespace salvor::codec
