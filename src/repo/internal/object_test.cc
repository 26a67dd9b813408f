#include "repo/internal/object.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "codec/wire.h"
#include "testing/damage.h"
#include "testing/repo_keys.h"
#include "testing/seeded_rng.h"

namespace salvor::repo {
namespace {

using testing::Damage;
using testing::expect_survives_damage;
using testing::SeededRng;
using testing::test_seed;

TEST(ObjectTest, opens_what_was_sealed) {
  const Keys keys = testing::test_keys();
  SeededRng rng(1);
  for (const std::size_t size : {0U, 1U, 31U, 32U, 1000U, 100'000U}) {
    for (const Bytes& content : {Bytes(size), rng.bytes(size)}) {
      const Bytes stored = seal_object(keys, ObjectType::log_entry, "log/1", content, rng);
      EXPECT_EQ(open_object(keys, ObjectType::log_entry, "log/1", stored), content);
    }
  }
}

TEST(ObjectTest, finds_every_damage) {
  const Keys keys = testing::test_keys();
  SeededRng rng(2);
  const Bytes stored =
      seal_object(keys, ObjectType::index_run, "index/x", to_bytes(std::string(500, 'a')), rng);
  const auto parse = [&](ByteView bytes) {
    open_object(keys, ObjectType::index_run, "index/x", bytes);
  };
  expect_survives_damage(stored, parse, Damage::always_found, test_seed());
}

TEST(ObjectTest, a_correct_checksum_is_not_enough) {
  const Keys keys = testing::test_keys();
  SeededRng rng(3);
  const Bytes stored =
      seal_object(keys, ObjectType::index_run, "index/x", to_bytes("some content"), rng);
  for (std::size_t at = 0; at + 16 < stored.size(); ++at) {
    Bytes forged = stored;
    forged[at] ^= std::byte{1};
    const codec::Checksum sum = codec::checksum(ByteView(forged).first(forged.size() - 16));
    std::copy(sum.begin(), sum.end(), forged.end() - 16);
    const bool reserved = at >= 9 && at < 12;
    if (reserved) continue;
    EXPECT_THROW(open_object(keys, ObjectType::index_run, "index/x", forged), Error) << at;
  }
}

TEST(ObjectTest, belongs_to_its_name_its_type_and_its_repository) {
  const Keys keys = testing::test_keys();
  SeededRng rng(4);
  const Bytes stored = seal_object(keys, ObjectType::log_entry, "log/1", to_bytes("entry"), rng);
  EXPECT_THROW(open_object(keys, ObjectType::log_entry, "log/2", stored), Error);
  EXPECT_THROW(open_object(keys, ObjectType::checkpoint, "log/1", stored), Error);
  EXPECT_THROW(open_object(testing::test_keys(1, 99), ObjectType::log_entry, "log/1", stored),
               Error);
}

TEST(ObjectTest, an_epoch_without_a_key_is_named) {
  SeededRng rng(5);
  const Bytes stored =
      seal_object(testing::test_keys(3), ObjectType::log_entry, "log/1", to_bytes("entry"), rng);
  EXPECT_EQ(open_object(testing::test_keys(4), ObjectType::log_entry, "log/1", stored),
            to_bytes("entry"));
  try {
    open_object(testing::test_keys(2), ObjectType::log_entry, "log/1", stored);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::corruption);
    EXPECT_NE(error.message().find("epoch 2"), std::string::npos) << error.message();
  }
}

TEST(ObjectTest, a_length_above_the_limit_is_refused) {
  codec::WireWriter writer;
  writer.u32(0xFFFFFFFFU);
  writer.raw(Bytes(40));
  EXPECT_THROW(unsqueeze(writer.view(), 1000, "it"), Error);
}

}  // namespace
}  // namespace salvor::repo
