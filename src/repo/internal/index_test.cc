#include "repo/internal/index.h"

#include <gtest/gtest.h>

#include <thread>

#include "codec/wire.h"
#include "testing/damage.h"

namespace salvor::repo {
namespace {

using testing::Damage;
using testing::expect_survives_damage;
using testing::SeededRng;
using testing::test_seed;

/// Directories of packs that no medium has.
std::vector<PackDirectory> make_packs(std::size_t packs, std::size_t frames, std::size_t chunks,
                                      SeededRng& rng) {
  std::vector<PackDirectory> made;
  for (std::size_t i = 0; i < packs; ++i) {
    PackDirectory directory;
    directory.pack = {random_id<PackId>(rng), i % 2 == 0 ? PackKind::data : PackKind::tree,
                      static_cast<std::uint32_t>(i), 0};
    std::uint32_t offset = kPackHeaderBytes;
    for (std::size_t j = 0; j < frames; ++j) {
      FrameInfo frame;
      frame.type = i % 2 == 0 ? FrameType::data : FrameType::node;
      frame.offset = offset;
      frame.stored = 16 + static_cast<std::uint32_t>(rng.below(1000));
      for (std::size_t k = 0; k < chunks; ++k) {
        frame.chunks.push_back(
            {random_id<ChunkId>(rng), 1 + static_cast<std::uint32_t>(rng.below(1000))});
        frame.content += frame.chunks.back().length;
      }
      offset += frame.stored;
      directory.frames.push_back(frame);
    }
    directory.pack.size = offset + 500;
    made.push_back(directory);
  }
  return made;
}

void expect_found(const Index& index, const std::vector<PackDirectory>& packs) {
  for (const PackDirectory& directory : packs) {
    EXPECT_TRUE(index.knows(directory.pack.id));
    for (const FrameInfo& frame : directory.frames) {
      std::uint32_t offset = 0;
      for (const ChunkInfo& chunk : frame.chunks) {
        const auto location = index.find(chunk.id);
        ASSERT_TRUE(location);
        EXPECT_EQ(location->pack.id, directory.pack.id);
        EXPECT_EQ(location->pack.epoch, directory.pack.epoch);
        EXPECT_EQ(location->type, frame.type);
        EXPECT_EQ(location->frame_offset, frame.offset);
        EXPECT_EQ(location->frame_stored, frame.stored);
        EXPECT_EQ(location->frame_content, frame.content);
        EXPECT_EQ(location->offset, offset);
        EXPECT_EQ(location->length, chunk.length);
        offset += chunk.length;
      }
    }
  }
}

TEST(IndexTest, finds_what_was_added) {
  SeededRng rng(1);
  const auto packs = make_packs(20, 10, 30, rng);
  Index index;
  for (const PackDirectory& directory : packs) index.add(directory);
  EXPECT_EQ(index.chunks(), 20U * 10U * 30U);
  expect_found(index, packs);
  EXPECT_FALSE(index.contains(random_id<ChunkId>(rng)));
  EXPECT_FALSE(index.find(random_id<ChunkId>(rng)));
}

TEST(IndexTest, a_chunk_is_claimed_once) {
  SeededRng rng(2);
  Index index;
  const auto id = random_id<ChunkId>(rng);
  EXPECT_TRUE(index.claim(id));
  EXPECT_FALSE(index.claim(id));
  EXPECT_TRUE(index.contains(id));
  EXPECT_FALSE(index.find(id)) << "it is in no pack yet";
}

TEST(IndexTest, a_claim_becomes_a_place) {
  SeededRng rng(3);
  const auto packs = make_packs(1, 1, 5, rng);
  Index index;
  for (const ChunkInfo& chunk : packs[0].frames[0].chunks) EXPECT_TRUE(index.claim(chunk.id));
  index.add(packs[0]);
  EXPECT_EQ(index.chunks(), 5U);
  expect_found(index, packs);
}

TEST(IndexTest, dropped_claims_can_be_claimed_again_and_places_stay) {
  SeededRng rng(4);
  const auto packs = make_packs(3, 3, 30, rng);
  Index index;
  for (const PackDirectory& directory : packs) index.add(directory);
  std::vector<ChunkId> claimed;
  for (int i = 0; i < 1000; ++i) {
    claimed.push_back(random_id<ChunkId>(rng));
    EXPECT_TRUE(index.claim(claimed.back()));
  }
  index.drop_claims();
  EXPECT_EQ(index.chunks(), 3U * 3U * 30U);
  expect_found(index, packs);
  for (const ChunkId& id : claimed) EXPECT_FALSE(index.contains(id));
  for (const ChunkId& id : claimed) EXPECT_TRUE(index.claim(id));
}

TEST(IndexTest, knows_second_places) {
  SeededRng rng(5);
  auto packs = make_packs(2, 1, 4, rng);
  packs[1].frames = packs[0].frames;
  Index index;
  index.add(packs[0]);
  EXPECT_TRUE(index.others(packs[0].frames[0].chunks[2].id).empty());
  index.add(packs[1]);
  index.add(packs[1]);
  const auto others = index.others(packs[0].frames[0].chunks[2].id);
  ASSERT_EQ(others.size(), 1U);
  EXPECT_EQ(others[0].pack.id, packs[1].pack.id);
  EXPECT_EQ(others[0].length, packs[0].frames[0].chunks[2].length);
}

TEST(IndexTest, of_many_threads_one_wins_each_claim) {
  SeededRng rng(6);
  std::vector<ChunkId> ids;
  for (int i = 0; i < 5000; ++i) ids.push_back(random_id<ChunkId>(rng));
  Index index;
  std::atomic<std::size_t> won{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (const ChunkId& id : ids) won += index.claim(id) ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(won, ids.size());
  EXPECT_EQ(index.chunks(), ids.size());
}

TEST(IndexRunTest, decodes_what_was_encoded) {
  SeededRng rng(7);
  for (const auto& packs : {make_packs(0, 0, 0, rng), make_packs(1, 0, 0, rng),
                            make_packs(1, 1, 1, rng), make_packs(7, 5, 9, rng)}) {
    const auto found = decode_index_run(encode_index_run(packs), "index/x");
    ASSERT_EQ(found.size(), packs.size());
    Index index;
    for (const PackDirectory& directory : found) index.add(directory);
    expect_found(index, packs);
    for (std::size_t i = 0; i < packs.size(); ++i) {
      EXPECT_EQ(found[i].pack.size, packs[i].pack.size);
    }
  }
}

TEST(IndexRunTest, hostile_runs_are_read_or_refused) {
  SeededRng rng(8);
  const Bytes good = encode_index_run(make_packs(3, 3, 4, rng));
  const auto parse = [](ByteView bytes) {
    Index index;
    for (const PackDirectory& directory : decode_index_run(bytes, "index/x")) index.add(directory);
  };
  expect_survives_damage(good, parse, Damage::may_pass, test_seed());
}

TEST(IndexRunTest, counts_beyond_the_input_allocate_nothing) {
  codec::WireWriter writer;
  writer.varint(0xFFFFFFFFFFFFULL);
  EXPECT_THROW(decode_index_run(writer.view(), "index/x"), Error);
  codec::WireWriter frames;
  frames.varint(0);
  frames.varint(0xFFFFFFFFFFFFULL);
  EXPECT_THROW(decode_index_run(frames.view(), "index/x"), Error);
}

}  // namespace
}  // namespace salvor::repo
