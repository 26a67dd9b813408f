#include "repo/internal/signed_log.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backend/fault.h"
#include "backend/memory.h"
#include "base/error.h"
#include "codec/wire.h"
#include "repo/internal/object.h"
#include "testing/fake_clock.h"
#include "testing/vault_history.h"

/// What a medium loses, and what somebody puts into a log who has only a granted key, an old one,
/// or none.
namespace salvor::repo {
namespace {

class SignedLogTest : public ::testing::Test {
 protected:
  SignedLogTest() {
    append(KeyChange{thief_.author(0), "thief", false});
    append(KeyChange{web_.author(0), "web-1", false});
  }

  void append(EntryBody body) {
    log_.append(state_, [&](const VaultState&) { return body; });
  }
  VaultState read_by(const LogKeys& keys) {
    SignedLog log(medium_, keys, clock_, rng_);
    VaultState state = authors_.empty();
    log.follow(state);
    return state;
  }
  VaultState read() { return read_by(owner_); }

  /// An entry as the one behind `state`.
  Bytes signed_by(const LogKeys& keys, const VaultState& state, EntryBody body,
                  std::uint32_t epoch = 0) {
    return signed_by(keys, state.number() + 1, state.head(), std::move(body), epoch);
  }
  Bytes signed_by(const LogKeys& keys, std::uint64_t number, const codec::Digest& before,
                  EntryBody body, std::uint32_t epoch = 0) {
    SignedEntry entry;
    entry.nonce = random_id<EntryNonce>(rng_);
    entry.epoch = epoch;
    entry.before = before;
    entry.author = keys.author(epoch);
    entry.body = std::move(body);
    return sign_entry(keys.log(), number, entry, keys.signing_key(epoch));
  }
  void put(const LogKeys& keys, std::uint64_t number, ByteView entry, ByteView copy,
           std::uint32_t epoch = 0) {
    codec::WireWriter content;
    content.field(1, entry);
    content.field(2, copy);
    const std::string name = log_.name_of(number);
    medium_.put_if_absent(
        name, seal_object(keys, ObjectType::log_entry, name, content.view(), rng_, epoch));
  }
  /// Behind the newest entry one by `follower`, which says that it was another one, by `copied`.
  void forge(const VaultState& before, const LogKeys& copied, const LogKeys& follower) {
    const Bytes other = signed_by(copied, before, Begin{"forged", ""});
    const codec::Digest head = digest_of_log(before.head(), other);
    put(follower, before.number() + 2,
        signed_by(follower, before.number() + 2, head, Begin{"forged too", ""}), other);
  }
  void junk_of_epoch(const std::string& name, std::uint8_t epoch) {
    Bytes object = medium_.objects().at(log_.name_of(1));
    object[12] = std::byte{epoch};
    const auto body = ByteView(object).first(object.size() - sizeof(codec::Checksum));
    std::ranges::copy(codec::checksum(body), object.end() - sizeof(codec::Checksum));
    medium_.put_if_absent(name, object);
  }

  testing::VaultAuthors authors_{2};
  LogKeys owner_ = authors_.full(1);
  LogKeys next_owner_ = authors_.full(2);
  LogKeys thief_ = authors_.granted("thief");
  LogKeys web_ = authors_.granted("web-1");
  LogKeys nobody_ = authors_.granted("nobody");
  testing::FakeClock clock_;
  testing::SeededRng rng_{3};
  backend::MemoryBackend medium_;
  SignedLog log_{medium_, owner_, clock_, rng_};
  VaultState state_ = authors_.empty();
};

TEST_F(SignedLogTest, a_lost_entry_is_in_the_one_behind_it) {
  for (int i = 0; i < 4; ++i) append(Begin{"host", ""});
  for (std::uint64_t n = 1; n < state_.number(); ++n) {
    const Bytes object = medium_.objects().at(log_.name_of(n));
    medium_.remove(log_.name_of(n));
    EXPECT_EQ(read(), state_) << n;
    medium_.objects()[log_.name_of(n)] = object;
    medium_.objects()[log_.name_of(n)][40] ^= std::byte{1};
    EXPECT_EQ(read(), state_) << n << ", damaged";
    medium_.objects()[log_.name_of(n)] = object;
  }
}

TEST_F(SignedLogTest, a_damaged_newest_entry_is_an_error) {
  append(Begin{"host", ""});
  medium_.objects()[log_.name_of(state_.number())][40] ^= std::byte{1};
  EXPECT_THROW(read(), Error);
}

TEST_F(SignedLogTest, two_lost_neighbours_are_an_error) {
  for (int i = 0; i < 4; ++i) append(Begin{"host", ""});
  medium_.remove(log_.name_of(3));
  medium_.remove(log_.name_of(4));
  EXPECT_THROW(read(), Error);
}

TEST_F(SignedLogTest, an_entry_that_is_not_right_is_not_appended) {
  EXPECT_THROW(append(End{17, {}, {}, {}, {}, {}}), Error);
  EXPECT_EQ(read(), state_);
}

TEST_F(SignedLogTest, who_has_no_rights_says_nothing_of_the_entry_before) {
  const VaultState before = state_;
  append(Begin{"acknowledged", ""});
  forge(before, thief_, nobody_);
  EXPECT_EQ(read().open_sessions().count(state_.number()), 1U);
  EXPECT_EQ(read().open_sessions().at(state_.number()).who.host, "acknowledged");
}

TEST_F(SignedLogTest, a_granted_key_says_nothing_of_its_own_entries) {
  const VaultState before = state_;
  append(Begin{"acknowledged", ""});
  forge(before, thief_, thief_);
  EXPECT_EQ(read().open_sessions().at(state_.number()).who.host, "acknowledged");
}

TEST_F(SignedLogTest, a_key_that_has_ended_says_nothing) {
  append(KeyChange{thief_.author(0), "thief", true});
  const VaultState before = state_;
  append(Begin{"acknowledged", ""});
  forge(before, web_, thief_);
  EXPECT_EQ(read().open_sessions().at(state_.number()).who.host, "acknowledged");
}

TEST_F(SignedLogTest, who_was_not_given_an_epoch_does_not_take_it_back) {
  const VaultState before = state_;
  SignedLog log(medium_, next_owner_, clock_, rng_);
  log.append(state_, [&](const VaultState&) { return EpochChange{1, {}, next_owner_.author(1)}; });
  const Bytes other = signed_by(owner_, before, Begin{"forged", ""});
  const codec::Digest head = digest_of_log(before.head(), other);
  put(owner_, before.number() + 2,
      signed_by(owner_, before.number() + 2, head, Begin{"forged too", ""}), other);
  EXPECT_EQ(read_by(next_owner_).epoch(), 1U);
}

TEST_F(SignedLogTest, what_lies_behind_a_hole_is_put_into_it_before_it_counts) {
  // An author has looked, and found nothing. Its put is under way.
  const Bytes late = signed_by(owner_, state_, Begin{"late", ""});
  forge(state_, thief_, thief_);
  const std::uint64_t number = state_.number() + 1;
  const VaultState seen = read();
  EXPECT_TRUE(medium_.size(log_.name_of(number)));
  put(owner_, number, late, state_.newest_entry());
  EXPECT_EQ(read(), seen) << "all who look later see the same";
}

TEST_F(SignedLogTest, a_reader_that_can_not_write_reads_all_the_same) {
  append(Begin{"host", ""});
  SignedLog web_log(medium_, web_, clock_, rng_);
  web_log.append(state_, [](const VaultState&) { return Begin{"web-1", ""}; });
  medium_.remove(log_.name_of(state_.number() - 1));
  EXPECT_EQ(read(), state_);
  EXPECT_TRUE(medium_.size(log_.name_of(state_.number() - 1))) << "it is there again";
}

TEST_F(SignedLogTest, junk_behind_the_newest_entry_stops_no_reader) {
  append(Begin{"host", ""});
  medium_.put_if_absent(log_.name_of(9'999'999'999'999'999), as_bytes("junk"));
  junk_of_epoch(log_.name_of(state_.number() + 2), 99);
  EXPECT_EQ(read(), state_);
  append(Begin{"host", ""});
  EXPECT_EQ(state_.number(), 4U);
}

TEST_F(SignedLogTest, an_entry_that_is_too_long_counts_as_no_bytes) {
  const Bytes huge(kEntryBytesMax + 1);
  put(thief_, state_.number() + 1, huge, state_.newest_entry());
  append(Begin{"host", ""});
  EXPECT_EQ(read(), state_);
  EXPECT_EQ(state_.open_sessions().size(), 1U);
}

TEST_F(SignedLogTest, an_entry_is_sealed_for_the_epoch_that_it_names) {
  put(next_owner_, state_.number() + 1, signed_by(owner_, state_, Begin{"x", ""}),
      state_.newest_entry(), 1);
  EXPECT_THROW(read_by(next_owner_), Error);
}

TEST_F(SignedLogTest, nobody_writes_behind_what_a_later_version_has_written) {
  put(owner_, state_.number() + 1, signed_by(owner_, state_, UnknownEntry{900}),
      state_.newest_entry());
  EXPECT_NO_THROW(read());
  EXPECT_THROW(append(Begin{"host", ""}), Error);
}

}  // namespace
}  // namespace salvor::repo
