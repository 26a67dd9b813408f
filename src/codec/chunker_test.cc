#include "codec/chunker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include "codec/hash.h"
#include "codec/kdf.h"
#include "testing/seeded_rng.h"

namespace salvor::codec {
namespace {

/// The proportions of the default, and small enough for many chunks in little data.
constexpr ChunkerLimits kSmall{1024, 4096, 16384};

Bytes key_of(std::uint8_t value) {
  return Bytes(Chunker::kKeyBytes, std::byte{value});
}

std::vector<std::size_t> cut(const Chunker& chunker, ByteView data) {
  std::vector<std::size_t> sizes;
  while (!data.empty()) {
    sizes.push_back(chunker.first_chunk(data));
    data = data.subspan(sizes.back());
  }
  return sizes;
}

/// docs/format.md, section 6, "Cutting", word for word and as slow as that: the hash at a byte is
/// the sum over the 64 bytes up to it, each shifted by its distance, since older ones are shifted
/// out.
class SlowChunker {
 public:
  SlowChunker(ByteView key, const ChunkerLimits& limits) : limits_(limits) {
    const Secret table = hkdf(key, {}, "salvor gear table", 2048);
    for (std::size_t i = 0; i < 2048; ++i) {
      gear_[i / 8] |= std::to_integer<std::uint64_t>(table.view()[i]) << (8 * (i % 8));
    }
  }

  std::size_t first_chunk(ByteView data) const {
    const int n = std::countr_zero(limits_.normal_bytes);
    for (std::size_t i = limits_.min_bytes; i < data.size(); ++i) {
      if (i == limits_.max_bytes) return i;
      const int bits = i < limits_.normal_bytes ? n + 1 : n - 1;
      if (hash_at(data, i) >> (64 - bits) == 0) return i + 1;
    }
    return data.size();
  }

 private:
  std::uint64_t hash_at(ByteView data, std::size_t at) const {
    std::uint64_t hash = 0;
    for (std::size_t back = 0; back < 64; ++back) {
      hash += gear_[std::to_integer<std::size_t>(data[at - back])] << back;
    }
    return hash;
  }

  ChunkerLimits limits_;
  std::array<std::uint64_t, 256> gear_{};
};

/// Content of several kinds: noise, text-like bytes of few values, and runs of one byte.
std::vector<Bytes> contents(testing::SeededRng& rng) {
  std::vector<Bytes> all{{}, rng.bytes(1), rng.bytes(kSmall.min_bytes)};
  all.push_back(rng.bytes(kSmall.min_bytes + 1));
  all.push_back(rng.bytes(kSmall.max_bytes));
  all.push_back(rng.bytes(300'000 + rng.below(1000)));
  Bytes few = rng.bytes(200'000);
  for (std::byte& byte : few) byte &= std::byte{3};
  all.push_back(std::move(few));
  all.emplace_back(100'000);
  return all;
}

TEST(Chunker, ChunksAreTheWholeContentAndKeepTheirLimits) {
  testing::SeededRng rng(testing::test_seed());
  const Chunker chunker(key_of(1), kSmall);
  for (const Bytes& data : contents(rng)) {
    const std::vector<std::size_t> sizes = cut(chunker, data);
    std::size_t sum = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      sum += sizes[i];
      EXPECT_GE(sizes[i], i + 1 < sizes.size() ? kSmall.min_bytes : 1);
      EXPECT_LE(sizes[i], kSmall.max_bytes);
    }
    EXPECT_EQ(sum, data.size());
  }
}

TEST(Chunker, CutsAsTheFormatSays) {
  testing::SeededRng rng(testing::test_seed());
  for (const ChunkerLimits& limits :
       {kSmall, ChunkerLimits{65, 128, 129}, ChunkerLimits{4096, 8192, 65536}}) {
    const Bytes key = rng.bytes(Chunker::kKeyBytes);
    const Chunker chunker(key, limits);
    const SlowChunker slow(key, limits);
    for (const Bytes& data : contents(rng)) {
      ByteView rest = data;
      while (!rest.empty()) {
        const std::size_t size = chunker.first_chunk(rest);
        ASSERT_EQ(size, slow.first_chunk(rest));
        rest = rest.subspan(size);
      }
    }
  }
}

// A change of the algorithm would not lose data, but store everything anew.
TEST(Chunker, CutsTheSamePlacesForEver) {
  testing::SeededRng rng(42);
  const std::vector<std::size_t> sizes = cut(Chunker(key_of(7), kSmall), rng.bytes(40'000));
  EXPECT_EQ(sizes,
            (std::vector<std::size_t>{4504, 5753, 1138, 5096, 4439, 3882, 5199, 6429, 3560}));
}

TEST(Chunker, DoesNotNeedMoreThanTheLargestChunk) {
  testing::SeededRng rng(testing::test_seed());
  const Chunker chunker(key_of(1), kSmall);
  const Bytes data = rng.bytes(500'000);
  ByteView rest = data;
  while (rest.size() > kSmall.max_bytes) {
    const std::size_t size = chunker.first_chunk(rest.first(kSmall.max_bytes));
    ASSERT_EQ(size, chunker.first_chunk(rest));
    rest = rest.subspan(size);
  }
}

TEST(Chunker, TheKeyDecidesWhereToCut) {
  testing::SeededRng rng(testing::test_seed());
  const Bytes data = rng.bytes(500'000);
  EXPECT_EQ(cut(Chunker(key_of(1), kSmall), data), cut(Chunker(key_of(1), kSmall), data));
  EXPECT_NE(cut(Chunker(key_of(1), kSmall), data), cut(Chunker(key_of(2), kSmall), data));
}

std::set<Digest> chunk_set(const Chunker& chunker, ByteView data) {
  std::set<Digest> chunks;
  for (const std::size_t size : cut(chunker, data)) {
    chunks.insert(sha256(data.first(size)));
    data = data.subspan(size);
  }
  return chunks;
}

TEST(Chunker, AnInsertionAtTheHeadChangesFewChunks) {
  testing::SeededRng rng(testing::test_seed());
  const Chunker chunker(key_of(1), kSmall);
  for (int round = 0; round < 5; ++round) {
    const Bytes before = rng.bytes(2'000'000);
    Bytes after = rng.bytes(1 + rng.below(3000));
    after.insert(after.end(), before.begin(), before.end());
    const std::set<Digest> old_chunks = chunk_set(chunker, before);
    std::size_t fresh = 0;
    for (const Digest& chunk : chunk_set(chunker, after)) fresh += old_chunks.count(chunk) == 0;
    ASSERT_GT(old_chunks.size(), 250U);
    EXPECT_LE(fresh, 12U) << "of " << old_chunks.size();
  }
}

TEST(Chunker, AChangedByteChangesFewChunks) {
  testing::SeededRng rng(testing::test_seed());
  const Chunker chunker(key_of(1), kSmall);
  const Bytes before = rng.bytes(2'000'000);
  const std::set<Digest> old_chunks = chunk_set(chunker, before);
  for (int round = 0; round < 5; ++round) {
    Bytes after = before;
    after[rng.below(after.size())] ^= std::byte{1};
    std::size_t fresh = 0;
    for (const Digest& chunk : chunk_set(chunker, after)) fresh += old_chunks.count(chunk) == 0;
    EXPECT_GE(fresh, 1U);
    EXPECT_LE(fresh, 12U);
  }
}

/// The mean of min + the time to the first cut, which is exponential with one rate up to normal
/// and four times that rate from there to max.
double expected_mean_bytes(const ChunkerLimits& limits) {
  const auto normal = static_cast<double>(limits.normal_bytes);
  const double slow_part = normal - static_cast<double>(limits.min_bytes);
  const double fast_part = static_cast<double>(limits.max_bytes) - normal;
  const double slow = 1 / (2 * normal);
  const double fast = 2 / normal;
  return static_cast<double>(limits.min_bytes) + (1 - std::exp(-slow_part * slow)) / slow +
         std::exp(-slow_part * slow) * (1 - std::exp(-fast_part * fast)) / fast;
}

TEST(Chunker, TheMeanSizeIsAsExpected) {
  EXPECT_NEAR(expected_mean_bytes({}), 624.0 * 1024, 1024) << "docs/decisions.md relies on it";
  const std::pair<ChunkerLimits, std::size_t> cases[] = {{kSmall, 16U << 20U}, {{}, 128U << 20U}};
  // A fixed seed: with the default limits there are only some 200 chunks to take the mean of.
  testing::SeededRng rng(1);
  for (const auto& [limits, bytes] : cases) {
    const std::size_t chunks = cut(Chunker(key_of(3), limits), rng.bytes(bytes)).size();
    const double mean = static_cast<double>(bytes) / static_cast<double>(chunks);
    EXPECT_NEAR(mean / expected_mean_bytes(limits), 1.0, 0.15);
  }
}

}  // namespace
}  // namespace salvor::codec
