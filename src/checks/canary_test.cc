#include "checks/canary.h"

#include <gtest/gtest.h>

#include "testing/fake_clock.h"
#include "testing/seeded_rng.h"

namespace salvor::checks {
namespace {

class CanaryTest : public ::testing::Test {
 protected:
  CanaryTest() {
    point_.service = "shop";
    snapshot_.store = "db";
    testing::SeededRng rng(1);
    rng.fill(snapshot_.root.mutable_bytes());
    nonce_ = canary_nonce(rng);
    state(Canary::Planted::yes);
    marker_ = make_marker(key_, "shop", "db", nonce_, time_);
  }

  static Secret key_of(std::string_view text) { return Secret(as_bytes(text)); }

  void state(Canary::Planted planted) {
    point_.facts["canary.db"] = make_canary(
        key_, {"shop", "db", snapshot_.root.hex(), nonce_, format_time(time_), planted});
  }

  CheckOutcome check() const {
    return check_canary(key_, point_, snapshot_, [this] { return marker_; });
  }

  /// What the check says of a copy with this marker.
  std::string answer(const std::optional<stores::Marker>& marker) const {
    const CheckOutcome outcome = check_canary(key_, point_, snapshot_, [&] { return marker; });
    EXPECT_EQ(outcome.verdict, Verdict::failed);
    EXPECT_FALSE(outcome.good());
    return outcome.actual.substr(0, outcome.actual.find(':'));
  }

  const Secret key_ = key_of("a key of the repository");
  const Time time_ = testing::FakeClock().now();
  repo::Point point_;
  repo::Snapshot snapshot_;
  std::string nonce_;
  std::optional<stores::Marker> marker_;
};

TEST_F(CanaryTest, PassesForTheMarkerOfThisBackup) {
  const CheckOutcome outcome = check();
  EXPECT_EQ(outcome.verdict, Verdict::passed) << outcome.actual;
  EXPECT_EQ(outcome.name, "canary of db");
  EXPECT_EQ(outcome.kind, "built-in");
  EXPECT_EQ(outcome.store, "db");
}

TEST_F(CanaryTest, SaysWhichOneItIs) {
  EXPECT_EQ(answer(std::nullopt), "missing");
  EXPECT_EQ(answer(make_marker(key_, "blog", "db", nonce_, time_)),
            "the canary of another service");
  EXPECT_EQ(answer(make_marker(key_, "shop", "orders", nonce_, time_)),
            "the canary of another store");
  const std::string other(32, 'a');
  EXPECT_EQ(answer(make_marker(key_, "shop", "db", other, Time{time_.ns - 1'000'000'000})),
            "an older canary");
  EXPECT_EQ(answer(make_marker(key_, "shop", "db", other, Time{time_.ns + 1'000'000'000})),
            "a newer canary");
  EXPECT_EQ(answer(make_marker(key_of("another repository"), "shop", "db", nonce_, time_)),
            "forged");
  EXPECT_EQ(answer(stores::Marker()), "forged");
}

TEST_F(CanaryTest, EveryPartOfAMarkerIsSigned) {
  for (std::string stores::Marker::*part :
       {&stores::Marker::service, &stores::Marker::store, &stores::Marker::nonce,
        &stores::Marker::time, &stores::Marker::signature}) {
    stores::Marker changed = *marker_;
    (changed.*part).back() ^= 1;
    EXPECT_EQ(answer(changed), "forged");
  }
}

TEST_F(CanaryTest, AStatementBelongsToOneSnapshotOfOneStoreOfOneService) {
  EXPECT_TRUE(check().good());
  repo::Snapshot& snapshot = snapshot_;
  snapshot.root.mutable_bytes()[0] ^= std::byte{1};
  EXPECT_EQ(answer(marker_), "forged");
  snapshot.root.mutable_bytes()[0] ^= std::byte{1};
  point_.service = "blog";
  EXPECT_EQ(answer(marker_), "forged");
  point_.service = "shop";
  const std::string whole = point_.facts["canary.db"];
  for (std::size_t at = 0; at < whole.size(); ++at) {
    point_.facts["canary.db"][at] ^= 1;
    const CheckOutcome outcome = check();
    EXPECT_EQ(outcome.verdict, Verdict::failed) << point_.facts["canary.db"];
    point_.facts["canary.db"] = whole;
  }
}

TEST_F(CanaryTest, WhereNoneWasPlantedNoneIsMissed) {
  state(Canary::Planted::no);
  marker_.reset();
  EXPECT_EQ(check().verdict, Verdict::skipped);
}

TEST_F(CanaryTest, WhatWasNotPlantedIsNotCovered) {
  state(Canary::Planted::failed);
  EXPECT_EQ(check().verdict, Verdict::skipped);
  point_.facts.clear();
  EXPECT_EQ(check().verdict, Verdict::skipped);
}

}  // namespace
}  // namespace salvor::checks
