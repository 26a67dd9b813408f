#include "repo/internal/log.h"

#include <gtest/gtest.h>

#include "backend/fault.h"
#include "backend/memory.h"
#include "testing/fake_clock.h"
#include "testing/repo_keys.h"
#include "testing/seeded_rng.h"

namespace salvor::repo {
namespace {

using backend::Fault;
using backend::FaultBackend;
using backend::MemoryBackend;
using testing::SeededRng;

class LogTest : public ::testing::Test {
 protected:
  LogState load(backend::Backend& backend, bool from_start = false) {
    return Log(backend, keys_, clock_, rng_).load(ignore_, from_start);
  }
  LogEntry begin_entry() {
    LogEntry entry;
    entry.type = EntryType::begin;
    entry.session = random_id<SessionId>(rng_);
    return entry;
  }
  void append(backend::Backend& backend, int entries) {
    Log log(backend, keys_, clock_, rng_);
    LogState state = log.load(ignore_);
    for (int i = 0; i < entries; ++i) log.append(state, begin_entry());
  }
  bool has(const std::string& name) { return memory_.objects().contains(name); }

  Keys keys_ = testing::test_keys();
  testing::FakeClock clock_;
  SeededRng rng_{1};
  MemoryBackend memory_;
  Log::Finding ignore_ = [](const std::string&, const std::string&) {};
};

TEST_F(LogTest, a_checkpoint_is_written_at_every_sixteenth_entry) {
  append(memory_, 50);
  for (std::uint64_t i = 1; i <= 50; ++i) {
    EXPECT_EQ(has(checkpoint_name(i)), i % kCheckpointEvery == 0) << i;
  }
  const LogState state = load(memory_);
  EXPECT_EQ(state.sequence, 50U);
  EXPECT_EQ(state.sessions.size(), 50U);
  EXPECT_EQ(load(memory_, true).sessions.size(), 50U);
}

/// A listing that was begun before an entry was made, and ended after a later one.
class HalfListed final : public backend::Backend {
 public:
  HalfListed(backend::Backend& inner, std::string hidden)
      : inner_(inner), hidden_(std::move(hidden)) {}
  std::string location() const override { return inner_.location(); }
  backend::PutResult put_if_absent(const std::string& name, ByteView bytes) override {
    return inner_.put_if_absent(name, bytes);
  }
  Bytes get(const std::string& name, std::uint64_t bytes_max) override {
    return inner_.get(name, bytes_max);
  }
  std::size_t get_range(const std::string& name, std::uint64_t offset,
                        MutableByteView out) override {
    return inner_.get_range(name, offset, out);
  }
  std::optional<std::uint64_t> size(const std::string& name) override { return inner_.size(name); }
  void list(const std::string& prefix, const std::string& after, const Visit& visit) override {
    inner_.list(prefix, after, [&](const backend::Object& object) {
      if (object.name != hidden_) visit(object);
    });
  }
  void remove(const std::string& name) override { inner_.remove(name); }

 private:
  backend::Backend& inner_;
  const std::string hidden_;
};

TEST_F(LogTest, an_entry_that_a_listing_misses_is_not_missing) {
  append(memory_, 6);
  HalfListed half(memory_, log_name(5));
  EXPECT_EQ(load(half).sequence, 6U);
  memory_.objects().erase(log_name(5));
  EXPECT_THROW(load(half), Error);
}

TEST_F(LogTest, opening_thousands_of_entries_reads_few) {
  append(memory_, 5000);
  FaultBackend counting(memory_);
  EXPECT_EQ(load(counting).sequence, 5000U);
  EXPECT_LE(counting.calls(), 3 + kCheckpointEvery);
  std::erase_if(memory_.objects(),
                [](const auto& object) { return object.first.starts_with("checkpoint/"); });
  EXPECT_EQ(load(memory_).sessions.size(), 5000U) << "the log alone is enough";
}

TEST_F(LogTest, a_checkpoint_that_could_not_be_written_comes_with_the_next_entry) {
  FaultBackend faulty(memory_);
  faulty.on([](const backend::Call& call) -> std::optional<Fault> {
    if (call.operation == backend::Operation::put && call.name.starts_with("checkpoint/")) {
      return Fault::unreachable_before();
    }
    return std::nullopt;
  });
  Log log(faulty, keys_, clock_, rng_);
  LogState state;
  for (int i = 0; i < 18; ++i) log.append(state, begin_entry());
  EXPECT_FALSE(has(checkpoint_name(16)));
  faulty.on({});
  log.append(state, begin_entry());
  EXPECT_TRUE(has(checkpoint_name(16)));
  EXPECT_EQ(load(memory_).sequence, 19U);
}

TEST_F(LogTest, the_next_writer_makes_the_checkpoint_of_one_that_died) {
  append(memory_, 16);
  memory_.objects().erase(checkpoint_name(16));
  append(memory_, 1);
  EXPECT_TRUE(has(checkpoint_name(16)));
}

TEST_F(LogTest, a_gap_is_damage) {
  append(memory_, 10);
  memory_.objects().erase(log_name(4));
  EXPECT_THROW(load(memory_), Error);
}

// A log that ended before its newest checkpoint passed for a short one.
TEST_F(LogTest, an_end_before_the_newest_checkpoint_is_damage) {
  append(memory_, 16);
  memory_.objects().erase(log_name(16));
  EXPECT_THROW(load(memory_), Error);
  EXPECT_THROW(load(memory_, true), Error);
  memory_.objects().at(checkpoint_name(16))[40] ^= std::byte{1};
  EXPECT_THROW(load(memory_), Error);
}

// With the log gone altogether, a repository full of packs looked like a new one.
TEST_F(LogTest, no_log_where_there_are_packs_is_damage) {
  EXPECT_EQ(load(memory_).sequence, 0U);
  memory_.put_if_absent("packs/00/x", as_bytes("x"));
  EXPECT_THROW(load(memory_), Error);
}

TEST_F(LogTest, entries_that_were_exchanged_do_not_follow) {
  append(memory_, 5);
  const auto other = memory_.clone();
  append(memory_, 3);
  append(*other, 3);
  memory_.objects().at(log_name(6)) = other->objects().at(log_name(6));
  EXPECT_THROW(load(memory_), Error);
}

TEST_F(LogTest, the_answer_that_got_lost_is_found_by_its_nonce) {
  FaultBackend faulty(memory_);
  Log log(faulty, keys_, clock_, rng_);
  LogState state;
  log.append(state, begin_entry());
  faulty.at(faulty.calls() + 1, Fault::unreachable_after());
  EXPECT_EQ(log.append(state, begin_entry()), 2U);
  EXPECT_EQ(load(memory_).sessions.size(), 2U) << "it was not appended twice";
  faulty.at(faulty.calls() + 1, Fault::unreachable_before());
  EXPECT_THROW(log.append(state, begin_entry()), Error);
  EXPECT_EQ(load(memory_).sessions.size(), 2U);
}

TEST_F(LogTest, an_entry_that_is_no_longer_right_is_not_appended) {
  Log log(memory_, keys_, clock_, rng_);
  LogState state;
  log.append(state, begin_entry());
  append(memory_, 1);
  std::vector<std::uint64_t> asked;
  const auto right = [&](const LogState& before) {
    asked.push_back(before.sequence);
    if (before.sequence == 2) throw Error(ErrorCode::conflict, "no longer right");
  };
  EXPECT_THROW(log.append(state, begin_entry(), right), Error);
  EXPECT_EQ(asked, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(load(memory_).sequence, 2U);
}

}  // namespace
}  // namespace salvor::repo
