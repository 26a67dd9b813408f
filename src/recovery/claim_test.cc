#include "recovery/claim.h"

#include <gtest/gtest.h>

#include "backend/fault.h"
#include "backend/memory.h"
#include "base/error.h"
#include "base/fd.h"
#include "recovery/journal.h"
#include "testing/test_repository.h"

namespace salvor::recovery {
namespace {

using backend::Call;
using backend::Fault;
using backend::FaultBackend;
using backend::Operation;

class ClaimTest : public ::testing::Test {
 protected:
  ClaimTest() { testing::create_repository(memory_); }

  std::unique_ptr<repo::Repository> open(backend::Backend& backend) {
    return testing::open_repository(backend, repo::Access::write);
  }

  static bool never_over(const ClaimRecord&) { return false; }

  /// Runs `other` once, just before this repository's first write.
  static void before_first_write(FaultBackend& backend, std::function<void()> other) {
    backend.on(
        [other = std::move(other), done = false](const Call& call) mutable -> std::optional<Fault> {
          if (call.operation != Operation::put || done) return std::nullopt;
          done = true;
          other();
          return std::nullopt;
        });
  }

  template <class Act>
  static ErrorCode refusal(const Act& act) {
    try {
      act();
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "accepted";
    return ErrorCode::failed;
  }

  backend::MemoryBackend memory_;
};

TEST_F(ClaimTest, OneRunHasAServiceUntilItEnds) {
  const auto repository = open(memory_);
  Claim claim(*repository, "shop");
  claim.begin("r1", never_over);
  EXPECT_EQ(refusal([&] { claim.begin("r2", never_over); }), ErrorCode::conflict);
  claim.begin("r1", never_over);  // gone on with
  Claim(*repository, "blog").begin("r2", never_over);
  claim.end("r2");  // not its to end
  EXPECT_EQ(refusal([&] { claim.begin("r2", never_over); }), ErrorCode::conflict);
  claim.end("r1");
  claim.begin("r2", never_over);
  EXPECT_EQ(claim.last()->run, "r2");
  EXPECT_EQ(claim.history().size(), 4U);
}

TEST_F(ClaimTest, OneThatWasKilledAfterItsEndHoldsNothing) {
  const auto repository = open(memory_);
  Claim claim(*repository, "shop");
  claim.begin("r1", never_over);
  claim.begin("r2", [](const ClaimRecord& last) { return last.run == "r1"; });
  EXPECT_EQ(claim.last()->run, "r2");
}

TEST_F(ClaimTest, ANewestRecordThatHasRottenKeepsNobodyOut) {
  const auto repository = open(memory_);
  Claim claim(*repository, "shop");
  claim.begin("r1", never_over);
  claim.end("r1");
  claim.begin("r2", never_over);
  const std::string name = repo::Chain(*repository, repo::ChainKind::claim, "shop").object_name(3);
  memory_.remove(name);
  memory_.put_if_absent(name, as_bytes("rot"));
  EXPECT_NE(claim.rot(), "");
  EXPECT_EQ(claim.last()->run, "r1");
  EXPECT_EQ(claim.history().size(), 2U);
  claim.begin("r3", never_over);
  EXPECT_EQ(claim.rot(), "");
  EXPECT_EQ(claim.last()->run, "r3");
}

TEST_F(ClaimTest, OfTwoHostsThatBeginAtOnceOneIsRefused) {
  const auto theirs = open(memory_);
  FaultBackend raced(memory_);
  const auto ours = open(raced);
  before_first_write(raced, [&] { Claim(*theirs, "shop").begin("theirs", never_over); });
  Claim claim(*ours, "shop");
  EXPECT_EQ(refusal([&] { claim.begin("ours", never_over); }), ErrorCode::conflict);
  EXPECT_EQ(claim.last()->run, "theirs");
  EXPECT_EQ(claim.history().size(), 1U);
}

TEST_F(ClaimTest, AnEndThatComesBetweenIsNotOverwritten) {
  const auto theirs = open(memory_);
  Claim(*theirs, "shop").begin("theirs", never_over);
  FaultBackend raced(memory_);
  const auto ours = open(raced);
  before_first_write(raced, [&] { Claim(*theirs, "shop").end("theirs"); });
  Claim claim(*ours, "shop");
  const auto is_over = [](const ClaimRecord&) { return true; };
  EXPECT_EQ(refusal([&] { claim.begin("ours", is_over); }), ErrorCode::conflict);
  claim.begin("ours", never_over);
  EXPECT_EQ(claim.last()->run, "ours");
}

TEST_F(ClaimTest, OfTwoProcessesThatGoOnWithARunOneLosesIt) {
  const auto theirs = open(memory_);
  FaultBackend raced(memory_);
  const auto ours = open(raced);
  Journal(*theirs, nullptr, "r1").append({});
  Journal journal(*ours, nullptr, "r1");
  JournalEntry resumed;
  resumed.event = Event::resumed;
  before_first_write(raced, [&] { Journal(*theirs, nullptr, "r1").append(resumed); });
  EXPECT_EQ(refusal([&] { journal.append(resumed); }), ErrorCode::conflict);
  EXPECT_TRUE(journal.lost());
  EXPECT_EQ(Journal(*ours, nullptr, "r1").entries().size(), 2U);
}

/// A run whose journal can't be written to the repository.
class UnwrittenTest : public ClaimTest {
 protected:
  static JournalEntry entry(Event event, StepId step = {}) {
    JournalEntry entry;
    entry.event = event;
    entry.step = std::move(step);
    return entry;
  }

  void make_read_only() {
    backend_.on([](const Call& call) -> std::optional<Fault> {
      if (call.operation == Operation::put) return Fault::read_only();
      return std::nullopt;
    });
  }
  void make_writable() { backend_.on({}); }

  /// How many records the repository has.
  std::uint64_t written() {
    const auto repository = open(memory_);
    return repo::Chain(*repository, repo::ChainKind::journal, "r1").last();
  }

  TemporaryDirectory directory_{std::filesystem::temp_directory_path()};
  catalog::Catalog catalog_ = catalog::Catalog::open(directory_.path() / "catalog.sqlite");
  FaultBackend backend_{memory_};
};

TEST_F(UnwrittenTest, TheJournalStaysInTheCatalogAndComesLater) {
  const auto repository = open(backend_);
  Journal journal(*repository, &catalog_, "r1");
  journal.append(entry(Event::planned));
  make_read_only();
  EXPECT_THROW(journal.append(entry(Event::began, parse_step("a"))), Error);
  EXPECT_EQ(journal.entries().size(), 1U);
  journal.allow_unwritten(Unwritten::keep, "shop");
  journal.append(entry(Event::began, parse_step("a")));
  journal.append(entry(Event::done, parse_step("a")));
  EXPECT_EQ(written(), 1U);
  ASSERT_EQ(catalog_.unwritten_runs(repository->id().hex()).size(), 1U);
  // Another process reads it all, and is as allowed or not as this one.
  Journal again(*repository, &catalog_, "r1");
  EXPECT_TRUE(again.done(parse_step("a")));
  EXPECT_THROW(again.append(entry(Event::began, parse_step("b"))), Error);
  make_writable();
  again.append(entry(Event::began, parse_step("b")));
  EXPECT_EQ(written(), 4U);
  EXPECT_EQ(Journal(*repository, nullptr, "r1").entries().size(), 4U);
  EXPECT_EQ(testing::damage_of(memory_), "");
}

TEST_F(UnwrittenTest, WithoutACatalogOnlyADrillGoesOn) {
  const auto repository = open(backend_);
  make_read_only();
  Journal journal(*repository, nullptr, "r1");
  journal.allow_unwritten(Unwritten::keep, "shop");
  EXPECT_EQ(refusal([&] { journal.append(entry(Event::planned)); }), ErrorCode::failed);
  journal.allow_unwritten(Unwritten::forgo, "shop");
  journal.append(entry(Event::planned));
  EXPECT_EQ(journal.entries().size(), 1U);
}

TEST_F(UnwrittenTest, AnotherFailureIsNoExcuse) {
  const auto repository = open(backend_);
  Journal journal(*repository, &catalog_, "r1");
  journal.allow_unwritten(Unwritten::keep, "shop");
  backend_.on([](const Call& call) -> std::optional<Fault> {
    if (call.operation == Operation::put) return Fault::unreachable_before();
    return std::nullopt;
  });
  EXPECT_EQ(refusal([&] { journal.append(entry(Event::planned)); }), ErrorCode::unreachable);
  EXPECT_TRUE(journal.empty());
}

TEST_F(UnwrittenTest, WhatAnotherHostHasOvertakenIsPassedOver) {
  const auto repository = open(backend_);
  Journal journal(*repository, &catalog_, "r1");
  journal.allow_unwritten(Unwritten::keep, "shop");
  journal.append(entry(Event::planned));
  make_read_only();
  journal.append(entry(Event::began, parse_step("ours")));
  Journal(*open(memory_), nullptr, "r1").append(entry(Event::began, parse_step("theirs")));
  make_writable();
  EXPECT_EQ(refusal([&] { journal.append(entry(Event::done, parse_step("ours"))); }),
            ErrorCode::conflict);
  EXPECT_TRUE(journal.lost());
  const Journal read(*repository, &catalog_, "r1");
  EXPECT_TRUE(read.began(parse_step("theirs")));
  EXPECT_FALSE(read.began(parse_step("ours")));
  EXPECT_EQ(testing::damage_of(memory_), "");
}

}  // namespace
}  // namespace salvor::recovery
