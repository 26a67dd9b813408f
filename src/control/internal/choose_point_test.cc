#include "control/internal/choose_point.h"

#include <gtest/gtest.h>

#include "backend/memory.h"
#include "base/error.h"
#include "repo/session.h"

namespace salvor::control::internal {
namespace {

constexpr const char* kHost = "web-1";

class ChoosePointTest : public ::testing::Test {
 protected:
  ChoosePointTest() {
    repo::NewSlot slot;
    slot.passphrase = Secret(as_bytes("passphrase"));
    slot.cost = {.passes = 1, .memory_kib = 8};
    repo::Repository::create(backend_, slot, Clock::system(), Rng::system());
    repo::Credentials credentials;
    credentials.passphrase = Secret(as_bytes("passphrase"));
    repository_ = repo::Repository::open(backend_, credentials, repo::Access::write,
                                         Clock::system(), Rng::system());
  }

  std::string add(const std::string& service, const std::string& time,
                  std::map<std::string, std::string> facts = {},
                  const std::string& suspicion = {}) {
    repo::Point point;
    point.service = service;
    point.facts = std::move(facts);
    point.time = parse_time(time).value();
    repo::Snapshot& snapshot = point.snapshots.emplace_back();
    snapshot.store = "db";
    snapshot.type = "sqlite";
    snapshot.root = *repo::ChunkId::parse(std::string(2 * repo::ChunkId::kSize, 'a'));
    if (!suspicion.empty()) snapshot.suspicions.push_back(suspicion);
    return repository_->begin()->commit(point).hex();
  }

  std::string chosen(const std::string& service, const std::string& at) {
    return choose_point(*repository_, {service, kHost}, at).id.hex();
  }

  ErrorCode refusal(const std::string& service, const std::string& at) {
    try {
      chosen(service, at);
    } catch (const Error& error) {
      EXPECT_FALSE(error.hint().empty());
      return error.code();
    }
    ADD_FAILURE() << "accepted: " << at;
    return ErrorCode::failed;
  }

  backend::MemoryBackend backend_;
  std::unique_ptr<repo::Repository> repository_;
};

TEST_F(ChoosePointTest, NewestAtOrBeforeATime) {
  const std::string late = add("shop", "2026-02-03T10:00:00.5Z");
  const std::string early = add("shop", "2026-02-01T10:00:00Z");
  add("other", "2026-02-05T00:00:00Z");
  EXPECT_EQ(chosen("shop", "latest"), early);  // by the order of commitment, not by time
  EXPECT_EQ(chosen("shop", "2026-02-04T00:00:00Z"), late);
  EXPECT_EQ(chosen("shop", "2026-02-03T10:00:00.500000Z"), late);
  EXPECT_EQ(chosen("shop", "2026-02-03T10:00:00.4Z"), early);
  EXPECT_EQ(chosen("shop", "2026-02-01T11:00:00+01:00"), early);
  EXPECT_EQ(refusal("shop", "2026-02-01T09:59:59Z"), ErrorCode::not_found);
}

TEST_F(ChoosePointTest, AWholeSecondMeansAllOfIt) {
  const std::string point = add("shop", "2026-02-03T10:00:00.999Z");
  EXPECT_EQ(chosen("shop", "2026-02-03T10:00:00Z"), point);
  EXPECT_EQ(refusal("shop", "2026-02-03T09:59:59Z"), ErrorCode::not_found);
}

TEST_F(ChoosePointTest, ByIdOrItsBeginning) {
  const std::string first = add("shop", "2026-02-01T10:00:00Z");
  const std::string second = add("shop", "2026-02-02T10:00:00Z");
  EXPECT_EQ(chosen("shop", first), first);
  EXPECT_EQ(chosen("shop", second.substr(0, 14)), second);
  EXPECT_EQ(find_point(*repository_, "latest").id.hex(), second);
  EXPECT_EQ(refusal("shop", second.substr(0, 3)), ErrorCode::usage);
  EXPECT_EQ(refusal("shop", std::string(16, first[0] == '0' ? '1' : '0')), ErrorCode::not_found);
  add("other", "2026-02-02T10:00:00Z");
  EXPECT_EQ(refusal("other", first), ErrorCode::not_found);
}

TEST_F(ChoosePointTest, ASafetySnapshotIsMeantOnlyByItsId) {
  const std::string safety = add("shop", "2026-02-02T10:00:00Z", {{"purpose", "safety"}});
  EXPECT_EQ(refusal("shop", "latest"), ErrorCode::not_found);
  EXPECT_EQ(refusal("shop", "2026-02-03T10:00:00Z"), ErrorCode::not_found);
  EXPECT_EQ(chosen("shop", safety), safety);
  const std::string good = add("shop", "2026-02-01T10:00:00Z");
  EXPECT_EQ(chosen("shop", "latest"), good);
  EXPECT_EQ(chosen("shop", "2026-02-03T10:00:00Z"), good);
  EXPECT_EQ(find_point(*repository_, "latest").id.hex(), good);
  EXPECT_EQ(find_point(*repository_, safety.substr(0, 10)).id.hex(), safety);
}

TEST_F(ChoosePointTest, APartialPointIsMeantByItsStoresAndWhereThereIsNoOther) {
  const std::string partial = add("shop", "2026-02-02T10:00:00Z", {{"partial", "yes"}});
  EXPECT_EQ(chosen("shop", "latest"), partial);
  const std::string whole = add("shop", "2026-02-01T10:00:00Z");
  EXPECT_EQ(chosen("shop", "latest"), whole);
  EXPECT_EQ(chosen("shop", "2026-02-03T10:00:00Z"), whole);
  EXPECT_EQ(find_point(*repository_, "latest").id.hex(), whole);
  EXPECT_EQ(chosen("shop", partial), partial);
  const std::string later = add("shop", "2026-02-02T11:00:00Z", {{"partial", "yes"}});
  EXPECT_EQ(chosen("shop", "latest"), whole);
  EXPECT_EQ(choose_point(*repository_, {"shop", kHost}, "latest", {"db"}).id.hex(), later);
  EXPECT_EQ(choose_point(*repository_, {"shop", kHost}, "latest", {"elsewhere"}).id.hex(), whole);
}

TEST_F(ChoosePointTest, APointFromTheFutureIsNotTheLatestForever) {
  const std::string ahead = add("shop", "2028-02-01T10:00:00Z");
  const std::string normal = add("shop", "2026-02-01T10:00:00Z");
  EXPECT_EQ(chosen("shop", "latest"), normal);
  EXPECT_EQ(find_point(*repository_, "latest").id.hex(), normal);
  EXPECT_EQ(newest_point(*repository_, {"shop", kHost})->id.hex(), normal);
  // A time is somebody's word for a time.
  EXPECT_EQ(chosen("shop", "2028-02-02T10:00:00Z"), ahead);
  const Time now = parse_time("2026-02-02T10:00:00Z").value();
  const repo::Point& point = find_point(*repository_, ahead);
  EXPECT_EQ(age_s(point, now), 0);
  EXPECT_NE(note_on_time(point, now).find("future"), std::string::npos);
  EXPECT_EQ(note_on_time(find_point(*repository_, normal), now), "");
}

TEST_F(ChoosePointTest, ASuspectPointIsMeantByItsIdUntilItIsAccepted) {
  const Owner owner{"shop", kHost};
  const std::string ruins = add("shop", "2026-02-03T10:00:00Z", {}, "it is empty");
  EXPECT_EQ(refusal("shop", "latest"), ErrorCode::refused);
  EXPECT_EQ(refusal("shop", "2026-02-04T10:00:00Z"), ErrorCode::refused);
  EXPECT_EQ(newest_point(*repository_, owner), nullptr);
  EXPECT_EQ(chosen("shop", ruins), ruins);

  const std::string good = add("shop", "2026-02-04T10:00:00Z");
  const std::string worse = add("shop", "2026-02-05T10:00:00Z", {}, "it is empty");
  EXPECT_EQ(chosen("shop", "latest"), good);
  EXPECT_EQ(chosen("shop", "2026-02-06T10:00:00Z"), good);
  const repo::Point& point = find_point(*repository_, good);
  const std::string note = note_on_suspects(*repository_, owner, &point);
  EXPECT_NE(note.find("1 newer recovery point is suspect"), std::string::npos) << note;
  EXPECT_NE(note.find("--at " + worse), std::string::npos) << note;

  EXPECT_TRUE(repository_->accept(*repo::PointId::parse(worse)));
  EXPECT_FALSE(repository_->accept(*repo::PointId::parse(worse)));
  EXPECT_EQ(chosen("shop", "latest"), worse);
  EXPECT_EQ(note_on_suspects(*repository_, owner, newest_point(*repository_, owner)), "");
  EXPECT_THROW(repository_->accept(repo::PointId()), Error);
}

TEST_F(ChoosePointTest, ASafetySnapshotIsNeverSuspect) {
  const std::string safety =
      add("shop", "2026-02-03T10:00:00Z", {{"purpose", "safety"}}, "it is empty");
  EXPECT_FALSE(find_point(*repository_, safety).is_suspect());
  EXPECT_EQ(find_point(*repository_, safety).state(), "safety");
}

TEST_F(ChoosePointTest, AnotherHostsPointIsMeantByItsId) {
  const std::string other = add("shop", "2026-02-03T10:00:00Z", {{"host", "web-2"}});
  try {
    chosen("shop", "latest");
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::refused);
    EXPECT_NE(error.hint().find("salvor restore shop --at " + other), std::string::npos);
  }
  EXPECT_EQ(chosen("shop", other), other);
  EXPECT_EQ(choose_point(*repository_, {"shop", kHost, true}, "latest").id.hex(), other);

  const std::string unsaid = add("shop", "2026-02-01T10:00:00Z");
  EXPECT_EQ(chosen("shop", "latest"), unsaid);
  const std::string own = add("shop", "2026-02-02T10:00:00Z", {{"host", kHost}});
  add("shop", "2026-02-04T10:00:00Z", {{"host", "web-2"}});
  EXPECT_EQ(chosen("shop", "latest"), own);
  EXPECT_EQ(chosen("shop", "2026-02-05T10:00:00Z"), own);
  const auto notes = notes_on(*repository_, {"shop", kHost}, find_point(*repository_, other),
                              Clock::system().now());
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("host web-2"), std::string::npos);
}

TEST_F(ChoosePointTest, WhatCannotBeMeant) {
  EXPECT_EQ(refusal("shop", "latest"), ErrorCode::not_found);
  add("shop", "2026-02-01T10:00:00Z");
  EXPECT_EQ(refusal("shpo", "latest"), ErrorCode::not_found);
  for (const char* at : {"lsn:0/1", "xid:7", "name:x", "yesterday", "", "2026-02-30"}) {
    EXPECT_EQ(refusal("shop", at), ErrorCode::usage) << at;
  }
}

}  // namespace
}  // namespace salvor::control::internal
