#include "repo/internal/slots.h"

#include <gtest/gtest.h>

#include "codec/sealed_box.h"
#include "repo/internal/description.h"
#include "testing/damage.h"
#include "testing/fake_clock.h"
#include "testing/repo_keys.h"
#include "testing/test_repository.h"

namespace salvor::repo {
namespace {

using testing::credentials_of;
using testing::Damage;
using testing::expect_survives_damage;
using testing::SeededRng;
using testing::slot_for;
using testing::test_seed;

class SlotsTest : public ::testing::Test {
 protected:
  Slot make(const NewSlot& wanted) { return make_slot(keys_, wanted, clock_, rng_); }
  Slot reread(const Slot& slot) { return parse_slot(slot.id, write_slot(slot, keys_.slot_mac())); }
  void expect_opens(const Slot& slot, const Credentials& credentials) {
    const auto ring = open_slot(slot, credentials);
    ASSERT_TRUE(ring);
    EXPECT_EQ(to_bytes(ring->encode().view()), to_bytes(keys_.ring().encode().view()));
  }

  Keys keys_ = testing::test_keys(2);
  testing::FakeClock clock_;
  SeededRng rng_{1};
};

TEST_F(SlotsTest, a_passphrase_opens_its_slot_and_no_other_does) {
  const Slot slot = reread(make(slot_for("open sesame")));
  EXPECT_EQ(slot.kind, SlotKind::passphrase);
  EXPECT_TRUE(authentic(slot, keys_.slot_mac()));
  expect_opens(slot, credentials_of("open sesame"));
  EXPECT_FALSE(open_slot(slot, credentials_of("open sesam")));
  EXPECT_FALSE(open_slot(slot, credentials_of("")));
  EXPECT_FALSE(open_slot(slot, {}));
  EXPECT_FALSE(open_slot(slot, credentials_of(testing::test_holder())));
}

TEST_F(SlotsTest, a_key_opens_its_slot_and_no_other_does) {
  const codec::BoxKeyPair holder = codec::make_box_key_pair();
  const Slot slot = reread(make(slot_for(holder)));
  EXPECT_EQ(slot.kind, SlotKind::recipient);
  expect_opens(slot, credentials_of(holder));
  EXPECT_FALSE(open_slot(slot, credentials_of(codec::make_box_key_pair())));
  EXPECT_FALSE(open_slot(slot, credentials_of("open sesame")));
}

TEST_F(SlotsTest, a_resealed_slot_has_another_name_and_the_same_holder) {
  const Slot slot = make(slot_for("open sesame"));
  const Keys rotated = testing::test_keys(3);
  const Slot fresh = reseal(slot, rotated, rng_);
  EXPECT_NE(fresh.id, slot.id);
  EXPECT_EQ(fresh.epochs, 3U);
  const auto ring = open_slot(reread(fresh), credentials_of("open sesame"));
  ASSERT_TRUE(ring);
  EXPECT_EQ(ring->roots.size(), 3U);
}

TEST_F(SlotsTest, every_damage_of_a_slot_shows) {
  for (const Slot& slot : {make(slot_for("open sesame")), make(slot_for(testing::test_holder()))}) {
    const auto parse = [&](ByteView bytes) {
      const Slot found = parse_slot(slot.id, as_text(bytes));
      // A changed mac is still hexadecimal: then the slot is not authentic.
      if (!authentic(found, keys_.slot_mac())) throw Error(ErrorCode::corruption, "not authentic");
    };
    expect_survives_damage(to_bytes(write_slot(slot, keys_.slot_mac())), parse,
                           Damage::always_found, test_seed());
  }
}

// One flipped bit of "version" made a repository unreadable for all its keys.
TEST_F(SlotsTest, a_flipped_version_is_damage_and_a_newer_one_is_not) {
  const Slot slot = make(slot_for(testing::test_holder()));
  const std::string text = write_slot(slot, keys_.slot_mac());
  const std::size_t at = text.find("\"version\": 1") + 11;
  ASSERT_EQ(text[at], '1');
  std::string flipped = text;
  flipped[at] = '3';
  try {
    parse_slot(slot.id, flipped);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::corruption);
  }
}

TEST_F(SlotsTest, a_slot_of_somebody_without_the_keys_is_not_authentic) {
  const Keys others = testing::test_keys(1, 77);
  const Slot forged = make_slot(others, slot_for("mallory"), clock_, rng_);
  const Slot found = parse_slot(forged.id, write_slot(forged, others.slot_mac()));
  EXPECT_FALSE(authentic(found, keys_.slot_mac()));
}

TEST_F(SlotsTest, a_label_that_is_not_text_is_made_text) {
  const Slot slot = reread(make(slot_for(testing::test_holder(), "\xff\xfe label")));
  EXPECT_NE(slot.label.find("label"), std::string::npos);
  expect_opens(slot, credentials_of(testing::test_holder()));
}

TEST_F(SlotsTest, deep_documents_exhaust_nothing) {
  const std::string deep =
      "{\"a\":" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}";
  EXPECT_THROW(parse_slot({}, deep), Error);
  EXPECT_THROW(parse_description(deep), Error);
}

TEST_F(SlotsTest, extreme_costs_are_refused) {
  Slot slot = make(slot_for("open sesame"));
  slot.cost.memory_kib = codec::Argon2Cost::kMemoryKibMax + 1;
  EXPECT_THROW(reread(slot), Error);
  slot.cost = {codec::Argon2Cost::kPassesMax + 1, 64};
  EXPECT_THROW(reread(slot), Error);
  slot.cost = {0, 64};
  EXPECT_THROW(reread(slot), Error);
}

TEST_F(SlotsTest, hostile_key_rings_are_read_or_refused) {
  const Bytes good = to_bytes(keys_.ring().encode().view());
  expect_survives_damage(
      good, [](ByteView bytes) { KeyRing::decode(bytes); }, Damage::may_pass, test_seed());
}

class DescriptionTest : public ::testing::Test {
 protected:
  std::string write() {
    return write_description({keys_.repository(), {4096, 8192, 16384}}, keys_.description_mac());
  }
  Keys keys_ = testing::test_keys();
};

TEST_F(DescriptionTest, reads_what_was_written) {
  const std::string text = write();
  const Description found = parse_description(text);
  EXPECT_EQ(found.repository, keys_.repository());
  EXPECT_EQ(found.chunker.min_bytes, 4096U);
  EXPECT_EQ(found.chunker.normal_bytes, 8192U);
  EXPECT_EQ(found.chunker.max_bytes, 16384U);
  authenticate_description(text, keys_.description_mac());
  EXPECT_THROW(authenticate_description(text, testing::test_keys(1, 5).description_mac()), Error);
}

TEST_F(DescriptionTest, every_damage_shows) {
  const auto parse = [&](ByteView bytes) {
    authenticate_description(as_text(bytes), keys_.description_mac());
    parse_description(as_text(bytes));
  };
  expect_survives_damage(to_bytes(write()), parse, Damage::always_found, test_seed());
}

TEST_F(DescriptionTest, hostile_documents_are_read_or_refused) {
  expect_survives_damage(
      to_bytes(write()), [](ByteView bytes) { parse_description(as_text(bytes)); },
      Damage::may_pass, test_seed());
}

}  // namespace
}  // namespace salvor::repo
