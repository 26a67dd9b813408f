#include "repo/internal/checkpoints.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backend/memory.h"
#include "codec/hash.h"
#include "codec/wire.h"
#include "repo/internal/object.h"
#include "testing/fake_clock.h"
#include "testing/vault_history.h"

namespace salvor::repo {
namespace {

using testing::point_of;

/// A vault with a log on a medium.
class CheckpointsTest : public ::testing::Test {
 protected:
  void append(EntryBody body) {
    log_.append(state_, [&](const VaultState&) { return body; });
  }
  void commit(std::uint64_t number) {
    append(Begin{"db-1", ""});
    const SessionNumber session = state_.number();
    append(End{session, {{session, PackKind::data, 0, 3}}, {}, point_of("db-1", number), {}, {}});
  }
  VaultState load(const LogKeys& keys) {
    SignedLog log(medium_, keys, clock_, rng_);
    Checkpoints checkpoints(medium_, keys, rng_);
    return load_vault(
        log, checkpoints, authors_.empty(), keys.author(keys.epoch()),
        [this](const std::string& object, const std::string&) { unbelieved_.push_back(object); });
  }
  VaultState load() { return load(owner_); }
  bool is_refused() {
    try {
      load();
    } catch (const Error& error) {
      return error.code() == ErrorCode::corruption;
    }
    return false;
  }
  void remove_entries_up_to(std::uint64_t number) {
    for (std::uint64_t n = 1; n <= number; ++n) medium_.remove(log_.name_of(n));
  }

  testing::VaultAuthors authors_{2};
  LogKeys owner_ = authors_.full(1);
  testing::FakeClock clock_;
  testing::SeededRng rng_{3};
  backend::MemoryBackend medium_;
  SignedLog log_{medium_, owner_, clock_, rng_};
  Checkpoints checkpoints_{medium_, owner_, rng_};
  VaultState state_ = authors_.empty();
  std::vector<std::string> unbelieved_;
};

TEST_F(CheckpointsTest, it_stands_for_the_entries_before_it) {
  commit(1);
  checkpoints_.put(state_);
  const std::uint64_t at = state_.number();
  commit(2);
  remove_entries_up_to(at);
  EXPECT_EQ(load(), state_);
  EXPECT_TRUE(unbelieved_.empty());
}

TEST_F(CheckpointsTest, any_may_be_lost) {
  commit(1);
  checkpoints_.put(state_);
  commit(2);
  medium_.remove(checkpoints_.name_of(2));
  EXPECT_EQ(load(), state_);
}

TEST_F(CheckpointsTest, the_two_newest_are_kept) {
  for (std::uint64_t i = 1; i <= 4; ++i) {
    commit(i);
    checkpoints_.put(state_);
  }
  EXPECT_FALSE(medium_.size(checkpoints_.name_of(4)));
  EXPECT_TRUE(medium_.size(checkpoints_.name_of(6)));
  EXPECT_TRUE(medium_.size(checkpoints_.name_of(8)));
}

TEST_F(CheckpointsTest, a_damaged_one_is_passed_over) {
  commit(1);
  checkpoints_.put(state_);
  commit(2);
  checkpoints_.put(state_);
  const std::string newest = checkpoints_.name_of(state_.number());
  const Bytes whole = medium_.objects().at(newest);
  for (std::size_t i = 0; i < whole.size(); i += 7) {
    medium_.objects().at(newest)[i] ^= std::byte{1};
    unbelieved_.clear();
    ASSERT_EQ(load(), state_) << i;
    ASSERT_EQ(unbelieved_.size(), 1U) << i;
    medium_.objects().at(newest) = whole;
  }
}

TEST_F(CheckpointsTest, what_a_granted_host_puts_is_not_believed) {
  commit(1);
  const LogKeys thief = authors_.granted("thief");
  const std::string name = checkpoints_.name_of(2);
  codec::WireWriter content;
  content.field(1, encode(state_));
  content.field(2, thief.signing_key(0).sign(as_bytes("anything")));
  medium_.put_if_absent(name,
                        seal_object(thief, ObjectType::checkpoint, name, content.view(), rng_, 0U));
  EXPECT_EQ(load(), state_);
  EXPECT_EQ(unbelieved_, std::vector{name});
}

TEST_F(CheckpointsTest, one_of_an_older_epoch_is_not_believed) {
  commit(1);
  checkpoints_.put(state_);
  const LogKeys next = authors_.full(2);
  SignedLog log(medium_, next, clock_, rng_);
  log.append(state_, [&](const VaultState&) { return EpochChange{1, {}, next.author(1)}; });
  EXPECT_EQ(load(next), state_);
  EXPECT_EQ(unbelieved_.size(), 1U);
}

TEST_F(CheckpointsTest, a_log_that_ends_before_the_checkpoint_is_refused) {
  commit(1);
  const auto older = medium_.objects();
  commit(2);
  checkpoints_.put(state_);
  const std::string name = checkpoints_.name_of(state_.number());
  const Bytes checkpoint = medium_.objects().at(name);
  medium_.objects() = older;
  medium_.objects()[name] = checkpoint;
  EXPECT_TRUE(is_refused());
}

TEST_F(CheckpointsTest, a_log_with_another_history_is_refused) {
  commit(1);
  const auto before = medium_.objects();
  VaultState fork = state_;
  commit(2);
  checkpoints_.put(state_);
  const std::string name = checkpoints_.name_of(state_.number());
  const Bytes checkpoint = medium_.objects().at(name);
  medium_.objects() = before;
  for (int i = 0; i < 3; ++i) {
    log_.append(fork, [](const VaultState&) { return Begin{"other", ""}; });
  }
  medium_.objects()[name] = checkpoint;
  EXPECT_TRUE(is_refused());
}

TEST_F(CheckpointsTest, a_lost_entry_of_the_checkpoint_harms_nobody) {
  commit(1);
  checkpoints_.put(state_);
  const std::uint64_t at = state_.number();
  commit(2);
  medium_.remove(log_.name_of(at));
  EXPECT_EQ(load(), state_);
}

TEST_F(CheckpointsTest, junk_in_the_name_of_a_checkpoint_stops_nobody) {
  commit(1);
  checkpoints_.put(state_);
  const std::string sound = checkpoints_.name_of(state_.number());
  Bytes of_epoch_99 = medium_.objects().at(sound);
  of_epoch_99[12] = std::byte{99};
  const codec::Checksum sum =
      codec::checksum(ByteView(of_epoch_99).first(of_epoch_99.size() - sizeof(codec::Checksum)));
  std::ranges::copy(sum, of_epoch_99.end() - sizeof(codec::Checksum));
  for (const std::uint64_t number : {100U, 101U, 102U}) {
    medium_.put_if_absent(checkpoints_.name_of(number), of_epoch_99);
  }
  commit(2);
  checkpoints_.put(state_);
  EXPECT_TRUE(medium_.size(sound)) << "the second that is believed";
  EXPECT_EQ(load(), state_);
  EXPECT_EQ(unbelieved_.size(), 3U);
}

TEST_F(CheckpointsTest, it_is_due_by_what_has_grown) {
  EXPECT_FALSE(checkpoint_is_due(60'000, 0));
  EXPECT_TRUE(checkpoint_is_due(70'000, 0));
  EXPECT_FALSE(checkpoint_is_due(70'000, 1'000'000));
  EXPECT_TRUE(checkpoint_is_due(110'000, 1'000'000));
}

}  // namespace
}  // namespace salvor::repo
