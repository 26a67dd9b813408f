#include "codec/compress.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "testing/seeded_rng.h"

namespace salvor::codec {
namespace {

/// What compress() makes of it; empty when it is better stored as it is.
std::optional<Bytes> compressed(ByteView plain, int level = 3) {
  Bytes out(compressed_bytes_max(plain.size()));
  const auto size = compress(plain, out, level);
  if (!size) return std::nullopt;
  out.resize(*size);
  return out;
}

Bytes text_of(std::size_t bytes, testing::SeededRng& rng) {
  constexpr std::string_view kWords[] = {"the ", "backup ", "of ", "a ", "service, ", "restored\n"};
  Bytes text;
  while (text.size() < bytes) {
    const ByteView word = as_bytes(kWords[rng.below(std::size(kWords))]);
    text.insert(text.end(), word.begin(), word.end());
  }
  text.resize(bytes);
  return text;
}

void expect_round_trip(const Bytes& plain, const Bytes& stored) {
  Bytes out(plain.size(), std::byte{0x55});
  ASSERT_TRUE(decompress(stored, out));
  EXPECT_EQ(out, plain);
}

TEST(Compress, TextAndZerosComeBack) {
  testing::SeededRng rng(testing::test_seed());
  for (const std::size_t size : {100U, 4096U, 200'000U, 1U << 20U, 4U << 20U}) {
    for (const Bytes& plain : {text_of(size, rng), Bytes(size)}) {
      const auto stored = compressed(plain);
      ASSERT_TRUE(stored.has_value()) << size;
      EXPECT_LT(stored->size(), plain.size() - plain.size() / 32);
      expect_round_trip(plain, *stored);
    }
  }
}

TEST(Compress, HalfAMebibyteOfZerosIsNearlyNothing) {
  const auto stored = compressed(Bytes(512U << 10U));
  ASSERT_TRUE(stored.has_value());
  EXPECT_LT(stored->size(), 100U);
}

TEST(Compress, WhatDoesNotCompressIsNotCompressed) {
  testing::SeededRng rng(testing::test_seed());
  for (const std::size_t size : {1U, 31U, 1000U, 192U << 10U, (192U << 10U) + 1, 2U << 20U}) {
    EXPECT_FALSE(compressed(rng.bytes(size)).has_value()) << size;
  }
  EXPECT_FALSE(compressed({}).has_value());
}

// The judgement from samples must not miss content that pays in one of its places.
TEST(Compress, OneCompressibleEndIsSeen) {
  testing::SeededRng rng(testing::test_seed());
  const std::size_t size = 1U << 20U;
  for (const bool at_the_end : {false, true}) {
    Bytes plain = rng.bytes(size);
    const auto from = plain.begin() + (at_the_end ? static_cast<std::ptrdiff_t>(size / 2) : 0);
    std::fill(from, from + static_cast<std::ptrdiff_t>(size / 2), std::byte{0});
    const auto stored = compressed(plain);
    ASSERT_TRUE(stored.has_value()) << at_the_end;
    expect_round_trip(plain, *stored);
  }
}

TEST(Compress, EveryLevelIsReadTheSameWay) {
  testing::SeededRng rng(testing::test_seed());
  const Bytes plain = text_of(50'000, rng);
  for (const int level : {1, 3, 9, 19}) {
    const auto stored = compressed(plain, level);
    ASSERT_TRUE(stored.has_value()) << level;
    expect_round_trip(plain, *stored);
  }
}

TEST(Decompress, TheSizeMustBeExact) {
  testing::SeededRng rng(testing::test_seed());
  const Bytes plain = text_of(10'000, rng);
  const Bytes stored = compressed(plain).value();
  for (const std::size_t wrong : {0U, 1U, 9'999U, 10'001U, 20'000U}) {
    Bytes out(wrong);
    EXPECT_FALSE(decompress(stored, out)) << wrong;
  }
}

TEST(Decompress, RefusesTruncationsAndOtherBytes) {
  testing::SeededRng rng(testing::test_seed());
  const Bytes plain = text_of(3'000, rng);
  const Bytes stored = compressed(plain).value();
  Bytes out(plain.size());
  for (std::size_t size = 0; size < stored.size(); ++size) {
    EXPECT_FALSE(decompress(ByteView(stored).first(size), out)) << size;
  }
  Bytes longer = stored;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(decompress(longer, out));
  for (int round = 0; round < 200; ++round) {
    Bytes noise = rng.bytes(1 + rng.below(300));
    noise[0] = std::byte{0};  // never a frame's first byte
    EXPECT_FALSE(decompress(noise, out));
  }
}

TEST(Decompress, NothingFromNothing) {
  EXPECT_FALSE(decompress({}, {}));
  Bytes out(1);
  EXPECT_FALSE(decompress({}, out));
}

}  // namespace
}  // namespace salvor::codec
