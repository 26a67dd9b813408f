#include "repo/internal/pack.h"

#include <gtest/gtest.h>

#include "backend/memory.h"
#include "testing/damage.h"
#include "testing/repo_keys.h"
#include "testing/seeded_rng.h"

namespace salvor::repo {
namespace {

using testing::Damage;
using testing::expect_survives_damage;
using testing::SeededRng;
using testing::test_seed;

struct Built {
  PackDirectory directory;
  Bytes object;
  std::vector<Bytes> contents;
};

/// A pack of `frames` frames, each of a few chunks, stored as they are.
Built build(const Keys& keys, std::size_t frames, std::size_t chunks, SeededRng& rng) {
  Built built;
  OpenPack pack(keys, PackKind::data, random_id<PackId>(rng), {}, 1U << 20U);
  for (std::size_t i = 0; i < frames; ++i) {
    Bytes content;
    std::vector<ChunkInfo> infos;
    for (std::size_t j = 0; j < chunks; ++j) {
      const Bytes chunk = rng.bytes(1 + rng.below(50));
      infos.push_back(
          {keys.chunk_id(FrameType::data, chunk), static_cast<std::uint32_t>(chunk.size())});
      content.insert(content.end(), chunk.begin(), chunk.end());
    }
    const auto offset = pack.reserve(FrameType::data, content.size(), content.size(), infos);
    pack.seal(FrameType::data, offset, content);
    built.contents.push_back(content);
  }
  built.object = to_bytes(pack.finish());
  built.directory = pack.directory();
  return built;
}

void expect_same(const PackDirectory& found, const PackDirectory& expected) {
  EXPECT_EQ(found.pack.id, expected.pack.id);
  EXPECT_EQ(found.pack.size, expected.pack.size);
  EXPECT_EQ(found.pack.kind, expected.pack.kind);
  ASSERT_EQ(found.frames.size(), expected.frames.size());
  for (std::size_t i = 0; i < found.frames.size(); ++i) {
    const FrameInfo& a = found.frames[i];
    const FrameInfo& b = expected.frames[i];
    EXPECT_EQ(a.offset, b.offset);
    EXPECT_EQ(a.stored, b.stored);
    EXPECT_EQ(a.content, b.content);
    ASSERT_EQ(a.chunks.size(), b.chunks.size());
    for (std::size_t j = 0; j < a.chunks.size(); ++j) {
      EXPECT_EQ(a.chunks[j].id, b.chunks[j].id);
      EXPECT_EQ(a.chunks[j].length, b.chunks[j].length);
    }
  }
}

void expect_opens(const Keys& keys, const Built& built) {
  Bytes out;
  for (std::size_t i = 0; i < built.contents.size(); ++i) {
    const FrameInfo& frame = built.directory.frames[i];
    open_frame(keys, built.directory.pack, frame.type, frame.offset,
               ByteView(built.object).subspan(frame.offset, frame.stored), frame.content, out);
    EXPECT_EQ(out, built.contents[i]);
  }
}

TEST(PackTest, reads_what_was_written) {
  const Keys keys = testing::test_keys(2);
  SeededRng rng(1);
  // The last is so large that its directory does not fit into one read of the tail.
  for (const std::size_t frames : {0U, 1U, 5U, 900U}) {
    const Built built = build(keys, frames, 3, rng);
    backend::MemoryBackend backend;
    backend.put_if_absent(pack_name(built.directory.pack.id), built.object);
    expect_same(parse_pack(keys, built.directory.pack.id, built.object), built.directory);
    expect_same(read_directory(backend, keys, built.directory.pack.id), built.directory);
    expect_opens(keys, built);
  }
}

TEST(PackTest, names_and_ids_belong_together) {
  SeededRng rng(2);
  const auto id = random_id<PackId>(rng);
  const std::string name = pack_name(id);
  EXPECT_EQ(pack_of_name(name), id);
  EXPECT_FALSE(pack_of_name("packs/00/" + id.hex() + "0"));
  EXPECT_FALSE(pack_of_name("packs/zz/" + id.hex()));
  EXPECT_FALSE(pack_of_name("packs/"));
  EXPECT_FALSE(pack_of_name(""));
}

TEST(PackTest, the_whole_object_tells_every_damage) {
  const Keys keys = testing::test_keys();
  SeededRng rng(3);
  const Built built = build(keys, 4, 3, rng);
  const auto parse = [&](ByteView bytes) { parse_pack(keys, built.directory.pack.id, bytes); };
  expect_survives_damage(built.object, parse, Damage::always_found, test_seed());
}

TEST(PackTest, the_directory_of_a_damaged_pack_is_right_or_refused) {
  const Keys keys = testing::test_keys();
  SeededRng rng(4);
  const Built built = build(keys, 4, 3, rng);
  const std::string name = pack_name(built.directory.pack.id);
  const auto parse = [&](ByteView bytes) {
    backend::MemoryBackend backend;
    backend.put_if_absent(name, bytes);
    expect_same(read_directory(backend, keys, built.directory.pack.id), built.directory);
  };
  expect_survives_damage(built.object, parse, Damage::may_pass, test_seed());
}

TEST(PackTest, a_frame_tells_every_damage_and_every_wrong_place) {
  const Keys keys = testing::test_keys();
  SeededRng rng(5);
  const Built built = build(keys, 2, 3, rng);
  const FrameInfo& frame = built.directory.frames[0];
  const ByteView sealed = ByteView(built.object).subspan(frame.offset, frame.stored);
  Bytes out;
  const auto parse = [&](ByteView bytes) {
    open_frame(keys, built.directory.pack, frame.type, frame.offset, bytes, frame.content, out);
  };
  expect_survives_damage(to_bytes(sealed), parse, Damage::always_found, test_seed());
  const auto open_as = [&](const PackInfo& pack, FrameType type, std::uint32_t offset,
                           std::uint32_t content) {
    open_frame(keys, pack, type, offset, sealed, content, out);
  };
  PackInfo other = built.directory.pack;
  other.id = random_id<PackId>(rng);
  EXPECT_THROW(open_as(other, frame.type, frame.offset, frame.content), Error);
  EXPECT_THROW(open_as(built.directory.pack, FrameType::node, frame.offset, frame.content), Error);
  EXPECT_THROW(open_as(built.directory.pack, frame.type, frame.offset + 1, frame.content), Error);
  EXPECT_THROW(open_as(built.directory.pack, frame.type, frame.offset, frame.content + 1), Error);
  EXPECT_THROW(open_as(built.directory.pack, frame.type, frame.offset, 0xFFFFFFFFU), Error);
}

TEST(PackTest, a_pack_under_the_name_of_another_is_refused) {
  const Keys keys = testing::test_keys();
  SeededRng rng(6);
  const Built built = build(keys, 1, 1, rng);
  EXPECT_THROW(parse_pack(keys, random_id<PackId>(rng), built.object), Error);
}

TEST(PackTest, a_missing_pack_is_not_found) {
  backend::MemoryBackend backend;
  SeededRng rng(7);
  try {
    read_directory(backend, testing::test_keys(), random_id<PackId>(rng));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
}

}  // namespace
}  // namespace salvor::repo
