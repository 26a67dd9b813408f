#include <gtest/gtest.h>

#include "codec/wire.h"
#include "repo/internal/log.h"
#include "testing/damage.h"

namespace salvor::repo {
namespace {

using testing::Damage;
using testing::expect_survives_damage;
using testing::SeededRng;
using testing::test_seed;

Point make_point(SeededRng& rng) {
  Snapshot snapshot;
  snapshot.store = "media";
  snapshot.type = "files";
  snapshot.time = {1'767'323'045'123'456'789};
  snapshot.root = random_id<ChunkId>(rng);
  snapshot.records = 12;
  snapshot.content_bytes = 1ULL << 50U;
  snapshot.entries = 11;
  snapshot.sockets_skipped = 3;
  snapshot.bytes_read = 7;
  snapshot.bytes_stored = 5;
  snapshot.duration_ns = 99;
  snapshot.suspicions = {"it is empty"};
  snapshot.remarks = {"it was always so"};
  snapshot.facts = {{"path", "/srv"}, {"odd", std::string("\0\xff", 2)}};
  snapshot.missing = {{to_bytes("a\nb"), "permission denied"}};
  Point point;
  point.id = random_id<PointId>(rng);
  point.service = "shop";
  point.time = {-5};
  point.version = "1.2.3";
  point.snapshots = {snapshot, snapshot};
  point.snapshots[1].store = "db";
  point.snapshots[1].missing.clear();
  return point;
}

LogEntry make_entry(EntryType type, SeededRng& rng) {
  LogEntry entry;
  entry.type = type;
  entry.time = {1};
  entry.host = "host";
  entry.session = random_id<SessionId>(rng);
  entry.process = "boot 1 2";
  if (type == EntryType::point) entry.point = make_point(rng);
  entry.runs = {random_id<IndexRunId>(rng), random_id<IndexRunId>(rng)};
  entry.withdrawn_runs = {random_id<IndexRunId>(rng)};
  entry.slots = {random_id<SlotId>(rng)};
  if (type == EntryType::end) entry.result = EndResult::repair;
  entry.nonce = rng.bytes(16);
  rng.fill(entry.before);
  return entry;
}

void expect_same(const LogEntry& found, const LogEntry& expected) {
  EXPECT_EQ(found.type, expected.type);
  EXPECT_EQ(found.time, expected.time);
  EXPECT_EQ(found.host, expected.host);
  EXPECT_EQ(found.session, expected.session);
  EXPECT_EQ(found.process, expected.process);
  EXPECT_EQ(found.point, expected.point);
  EXPECT_EQ(found.runs, expected.runs);
  EXPECT_EQ(found.withdrawn_runs, expected.withdrawn_runs);
  EXPECT_EQ(found.slots, expected.slots);
  EXPECT_EQ(found.result, expected.result);
  EXPECT_EQ(found.nonce, expected.nonce);
  EXPECT_EQ(found.before, expected.before);
}

LogState make_state(SeededRng& rng) {
  LogState state;
  state.sequence = 48;
  state.first = 33;
  rng.fill(state.head);
  state.points = {make_point(rng), make_point(rng)};
  state.runs = {random_id<IndexRunId>(rng)};
  state.sessions = {{random_id<SessionId>(rng), "boot 3 4", {7}, "host", true},
                    {random_id<SessionId>(rng), "boot 5 6", {-8}, "other", false}};
  state.slots = {random_id<SlotId>(rng), random_id<SlotId>(rng)};
  return state;
}

// A decoder that forgets a field loses it for ever: the withdrawn runs of a repair, and the start
// of a log that was begun anew, were forgotten once.
TEST(LogCodecTest, every_field_of_an_entry_survives) {
  SeededRng rng(1);
  for (const auto type :
       {EntryType::keys, EntryType::begin, EntryType::point, EntryType::end, EntryType::accept}) {
    const LogEntry entry = make_entry(type, rng);
    expect_same(decode_entry(encode(entry), "log/1"), entry);
  }
}

TEST(LogCodecTest, every_field_of_a_checkpoint_survives) {
  SeededRng rng(2);
  const LogState state = make_state(rng);
  const LogState found = decode_state(encode(state), "checkpoint/48");
  EXPECT_EQ(found.sequence, state.sequence);
  EXPECT_EQ(found.first, state.first);
  EXPECT_EQ(found.head, state.head);
  EXPECT_EQ(found.points, state.points);
  EXPECT_EQ(found.runs, state.runs);
  EXPECT_EQ(found.slots, state.slots);
  EXPECT_EQ(found.accepted, state.accepted);
  ASSERT_EQ(found.sessions.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(found.sessions[i].session, state.sessions[i].session);
    EXPECT_EQ(found.sessions[i].process, state.sessions[i].process);
    EXPECT_EQ(found.sessions[i].time, state.sessions[i].time);
    EXPECT_EQ(found.sessions[i].host, state.sessions[i].host);
    EXPECT_EQ(found.sessions[i].committed, state.sessions[i].committed);
  }
}

TEST(LogCodecTest, hostile_entries_are_read_or_refused) {
  SeededRng rng(3);
  const auto parse = [](ByteView bytes) { decode_entry(bytes, "log/1"); };
  for (const auto type : {EntryType::keys, EntryType::point}) {
    expect_survives_damage(encode(make_entry(type, rng)), parse, Damage::may_pass, test_seed());
  }
}

TEST(LogCodecTest, hostile_checkpoints_are_read_or_refused) {
  SeededRng rng(4);
  const auto parse = [](ByteView bytes) { decode_state(bytes, "checkpoint/1"); };
  expect_survives_damage(encode(make_state(rng)), parse, Damage::may_pass, test_seed());
}

TEST(LogCodecTest, hostile_points_are_read_or_refused) {
  SeededRng rng(5);
  const Point point = make_point(rng);
  EXPECT_EQ(decode_point(encode(point)), point);
  expect_survives_damage(
      encode(point), [](ByteView bytes) { decode_point(bytes); }, Damage::may_pass, test_seed());
}

TEST(LogCodecTest, a_reserved_type_asks_for_a_newer_program) {
  SeededRng rng(6);
  for (const std::uint64_t type : {0U, 5U, 6U, 7U, 1000U}) {
    LogEntry entry = make_entry(EntryType::begin, rng);
    entry.type = static_cast<EntryType>(type);
    try {
      decode_entry(encode(entry), "log/1");
      ADD_FAILURE() << "no error for type " << type;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::configuration);
    }
  }
}

TEST(LogCodecTest, unknown_fields_are_skipped) {
  SeededRng rng(7);
  const LogEntry entry = make_entry(EntryType::point, rng);
  codec::WireWriter writer;
  writer.field(900, "from a later version");
  writer.raw(encode(entry));
  writer.field_number(901, 5);
  expect_same(decode_entry(writer.view(), "log/1"), entry);
}

TEST(LogCodecTest, names_have_sixteen_digits) {
  EXPECT_EQ(log_name(7), "log/0000000000000007");
  EXPECT_EQ(sequence_of_name("log/", "log/0000000000000007"), 7U);
  EXPECT_FALSE(sequence_of_name("log/", "log/7"));
  EXPECT_FALSE(sequence_of_name("log/", "log/000000000000000x"));
  EXPECT_FALSE(sequence_of_name("log/", "checkpoint/0000000000000007"));
}

}  // namespace
}  // namespace salvor::repo
