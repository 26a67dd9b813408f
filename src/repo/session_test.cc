#include "repo/session.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "backend/fault.h"
#include "backend/local.h"
#include "backend/memory.h"
#include "base/fd.h"
#include "repo/format.h"
#include "repo/internal/core.h"
#include "testing/seeded_rng.h"
#include "testing/test_repository.h"

namespace salvor::repo {
namespace {

using backend::Call;
using backend::Fault;
using backend::FaultBackend;
using backend::MemoryBackend;
using backend::Operation;
using testing::commit_contents;
using testing::Contents;
using testing::contents_of;
using testing::open_repository;
using testing::SeededRng;

Contents random_contents(std::uint64_t seed, std::size_t files, std::size_t bytes) {
  SeededRng rng(seed);
  Contents contents;
  for (std::size_t i = 0; i < files; ++i) {
    contents["file " + std::to_string(i)] = std::string(as_text(rng.bytes(bytes)));
  }
  return contents;
}

std::vector<ChunkId> store_all(Session& session, const std::vector<Bytes>& chunks) {
  const std::vector<ByteView> pieces(chunks.begin(), chunks.end());
  std::vector<ChunkId> ids(pieces.size());
  session.store(pieces, ids);
  return ids;
}

/// Lets calls of one operation on names with a prefix fail.
FaultBackend::Chooser fail(Operation operation, std::string prefix, Fault fault) {
  return [=](const Call& call) -> std::optional<Fault> {
    if (call.operation == operation && call.name.starts_with(prefix)) return fault;
    return std::nullopt;
  };
}

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() { testing::create_repository(memory_); }
  MemoryBackend memory_;
};

TEST_F(SessionTest, what_is_committed_is_read_back) {
  const Contents contents = random_contents(1, 20, 7000);
  const PointId id = commit_contents(*open_repository(memory_, Access::write), contents);
  const auto repository = open_repository(memory_);
  ASSERT_EQ(repository->points().size(), 1U);
  EXPECT_EQ(repository->points()[0].id, id);
  EXPECT_EQ(contents_of(*repository, repository->points()[0]), contents);
  EXPECT_EQ(testing::damage_of(memory_), "");
}

TEST_F(SessionTest, chunks_of_every_size_come_back) {
  SeededRng rng(2);
  std::vector<Bytes> chunks;
  for (const std::size_t size : {1UL, 2UL, 100UL, 65'536UL, kFrameBytesMax / 2}) {
    chunks.push_back(rng.bytes(size));
    chunks.push_back(Bytes(size, std::byte{9}));
  }
  const auto repository = open_repository(memory_, Access::write);
  const auto session = repository->begin();
  const std::vector<ChunkId> ids = store_all(*session, chunks);
  Snapshot snapshot;
  snapshot.store = "store";
  snapshot.root = session->tree().finish().id;
  session->commit({{}, "service", {}, "", {snapshot}});
  const auto reader = open_repository(memory_);
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(reader->read_chunk(ids[i]), chunks[i]);
  std::vector<bool> seen(ids.size());
  for (const FetchGroup& group : reader->plan(ids)) {
    reader->fetch(
        ids, group,
        [&](std::uint32_t place, ByteView chunk) {
          EXPECT_EQ(to_bytes(chunk), chunks[place]);
          seen[place] = true;
        },
        [](std::uint32_t, const Error& error) { FAIL() << error.message(); });
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), std::ssize(seen));
}

TEST_F(SessionTest, what_is_known_is_not_stored_again) {
  const Contents contents = random_contents(3, 10, 5000);
  commit_contents(*open_repository(memory_, Access::write), contents);
  const auto repository = open_repository(memory_, Access::write);
  const auto session = repository->begin();
  std::vector<Bytes> chunks;
  for (const auto& [key, content] : contents) {
    chunks.push_back(to_bytes(content.substr(0, 1000)));
    chunks.push_back(chunks.back());
  }
  store_all(*session, chunks);
  EXPECT_EQ(session->counters().bytes_stored, 0U);
  EXPECT_EQ(session->counters().chunks_new, 0U);
  EXPECT_EQ(session->counters().chunks_known, chunks.size());
  session->abandon();
}

TEST_F(SessionTest, many_threads_store_at_once) {
  const auto repository = open_repository(memory_, Access::write);
  const auto session = repository->begin();
  constexpr std::size_t kThreads = 8;
  std::vector<std::vector<Bytes>> chunks(kThreads);
  std::vector<std::vector<ChunkId>> ids(kThreads);
  SeededRng rng(4);
  for (auto& mine : chunks) {
    for (int i = 0; i < 300; ++i) mine.push_back(rng.bytes(1 + rng.below(3000)));
  }
  // Half of what each one stores another one stores as well.
  for (std::size_t i = 0; i < kThreads; ++i) {
    const auto& next = chunks[(i + 1) % kThreads];
    chunks[i].insert(chunks[i].end(), next.begin(), next.begin() + 150);
  }
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        for (std::size_t at = 0; at < chunks[i].size(); at += 10) {
          const std::vector<Bytes> some(chunks[i].begin() + std::ptrdiff_t(at),
                                        chunks[i].begin() + std::ptrdiff_t(at + 10));
          const auto stored = store_all(*session, some);
          ids[i].insert(ids[i].end(), stored.begin(), stored.end());
        }
      });
    }
  }
  EXPECT_EQ(session->counters().chunks_new, kThreads * 300);
  Snapshot snapshot;
  snapshot.store = "store";
  snapshot.root = session->tree().finish().id;
  session->commit({{}, "service", {}, "", {snapshot}});
  const auto reader = open_repository(memory_);
  for (std::size_t i = 0; i < kThreads; ++i) {
    for (std::size_t j = 0; j < ids[i].size(); ++j) {
      EXPECT_EQ(reader->read_chunk(ids[i][j]), chunks[i][j]);
    }
  }
  EXPECT_EQ(testing::damage_of(memory_), "");
}

TEST_F(SessionTest, the_next_session_finds_what_an_abandoned_one_stored) {
  const Contents contents = random_contents(5, 30, 9000);
  {
    const auto repository = open_repository(memory_, Access::write);
    const auto session = repository->begin();
    for (const auto& [key, content] : contents) {
      std::vector<Bytes> chunks;
      for (std::size_t at = 0; at < content.size(); at += 1000) {
        chunks.push_back(to_bytes(content.substr(at, 1000)));
      }
      store_all(*session, chunks);
    }
    session->abandon();
  }
  EXPECT_EQ(open_repository(memory_)->points().size(), 0U);
  EXPECT_EQ(testing::damage_of(memory_), "");
  const auto repository = open_repository(memory_, Access::write);
  const std::size_t before = memory_.objects().size();
  commit_contents(*repository, contents);
  std::uint64_t stored = 0;
  for (const auto& [name, bytes] : memory_.objects()) {
    if (name.starts_with("packs/")) stored += bytes.size();
  }
  EXPECT_LT(stored, 30U * 9000U * 11 / 10) << "nothing was stored twice";
  EXPECT_GT(memory_.objects().size(), before);
  EXPECT_EQ(contents_of(*repository, repository->points()[0]), contents);
}

// A claim that its session never kept made the next session's point refer to nothing.
TEST_F(SessionTest, a_failed_session_leaves_no_claims) {
  FaultBackend faulty(memory_);
  const auto repository = open_repository(faulty, Access::write);
  const Contents contents = random_contents(6, 3, 3000);
  faulty.on(fail(Operation::put, "packs/", Fault::no_space()));
  EXPECT_THROW(commit_contents(*repository, contents), Error);
  faulty.on({});
  commit_contents(*repository, contents);
  const auto reader = open_repository(memory_);
  ASSERT_EQ(reader->points().size(), 1U);
  EXPECT_EQ(contents_of(*reader, reader->points()[0]), contents);
  EXPECT_EQ(testing::damage_of(memory_), "");
}

TEST_F(SessionTest, a_failing_commit_does_not_lose_its_packs) {
  const Contents contents = random_contents(7, 10, 20'000);
  for (const char* where : {"index/", "log/"}) {
    SCOPED_TRACE(where);
    MemoryBackend medium(memory_.objects());
    FaultBackend faulty(medium);
    {
      const auto repository = open_repository(faulty, Access::write);
      const auto session = repository->begin();
      std::vector<Bytes> chunks;
      for (const auto& [key, content] : contents) {
        for (std::size_t at = 0; at < content.size(); at += 1000) {
          chunks.push_back(to_bytes(content.substr(at, 1000)));
        }
      }
      store_all(*session, chunks);
      Snapshot snapshot;
      snapshot.store = "store";
      snapshot.root = session->tree().finish().id;
      faulty.on(fail(Operation::put, where, Fault::unreachable_before()));
      EXPECT_THROW(session->commit({{}, "service", {}, "", {snapshot}}), Error);
      faulty.on({});
      session->abandon();
    }
    const auto repository = open_repository(medium, Access::write);
    EXPECT_EQ(repository->points().size(), 0U);
    commit_contents(*repository, contents);
    std::uint64_t stored = 0;
    for (const auto& [name, bytes] : medium.objects()) {
      if (name.starts_with("packs/")) stored += bytes.size();
    }
    EXPECT_LT(stored, 200'000U * 11 / 10) << "nothing was stored twice";
    EXPECT_EQ(testing::damage_of(medium), "");
  }
}

TEST_F(SessionTest, an_upload_that_fails_fails_the_session) {
  FaultBackend faulty(memory_);
  const auto repository = open_repository(faulty, Access::write);
  const auto session = repository->begin();
  faulty.on(fail(Operation::put, "packs/", Fault::no_space()));
  SeededRng rng(8);
  ErrorCode code = ErrorCode::failed;
  try {
    // More than all packs in memory hold: without an error this would never end.
    for (int i = 0; i < 200; ++i) store_all(*session, {rng.bytes(1U << 20U)});
    session->commit({});
  } catch (const Error& error) {
    code = error.code();
  }
  EXPECT_EQ(code, ErrorCode::no_space);
  session->abandon();
}

// Of two uploads at once one fails: what the other one made durable must be found, and nothing of
// the one that failed may be referred to.
TEST_F(SessionTest, one_upload_fails_while_another_one_succeeds) {
  SeededRng rng(12);
  std::vector<Bytes> chunks;
  for (int i = 0; i < 40; ++i) chunks.push_back(rng.bytes(1U << 20U));
  for (const bool can_end : {true, false}) {
    SCOPED_TRACE(can_end ? "it can log its end" : "it can't even log its end");
    MemoryBackend medium(memory_.objects());
    FaultBackend faulty(medium);
    const auto repository = open_repository(faulty, Access::write);
    std::atomic<int> puts{0};
    faulty.on([&](const Call& call) -> std::optional<Fault> {
      if (call.operation != Operation::put) return std::nullopt;
      const bool log = !can_end && puts > 0 && call.name.starts_with("log/");
      if (log) return Fault::unreachable_before();
      if (call.name.starts_with("packs/") && ++puts == 2) return Fault::no_space();
      return std::nullopt;
    });
    {
      const auto session = repository->begin();
      Snapshot snapshot;
      snapshot.store = "store";
      EXPECT_THROW(
          {
            store_all(*session, chunks);
            snapshot.root = session->tree().finish().id;
            session->commit({{}, "service", {}, "", {snapshot}});
          },
          Error);
      session->abandon();
    }
    faulty.on({});
    for (int round = 0; round < 2; ++round) {
      const auto session = repository->begin();
      const std::vector<ChunkId> ids = store_all(*session, chunks);
      EXPECT_GE(session->counters().chunks_known, round == 0 ? 1U : chunks.size());
      EXPECT_EQ(session->counters().chunks_new == 0, round == 1);
      TreeBuilder tree = session->tree();
      Record record{to_bytes("all"), 0, to_bytes("metadata"), {}};
      for (const ChunkId& id : ids) record.refs.push_back({id, 1U << 20U});
      tree.add(record);
      Snapshot snapshot;
      snapshot.store = "store";
      snapshot.root = tree.finish().id;
      session->commit({{}, "service", {}, "", {snapshot}});
    }
    const auto reader = open_repository(medium);
    ASSERT_EQ(reader->points().size(), 2U);
    std::string all;
    for (const Bytes& chunk : chunks) all += as_text(chunk);
    EXPECT_TRUE(contents_of(*reader, reader->points().back()).at("all") == all);
    EXPECT_EQ(testing::damage_of(medium), "");
  }
}

// Points with endless lists made checkpoints that could not be written.
TEST_F(SessionTest, of_endless_missing_things_the_log_keeps_the_first_and_a_count) {
  const auto repository = open_repository(memory_, Access::write);
  const auto session = repository->begin();
  Snapshot few;
  few.store = "few";
  few.root = session->tree().finish().id;
  few.missing = {{to_bytes("a"), "reason"}, {to_bytes("b"), "reason"}};
  Snapshot many = few;
  many.store = "many";
  for (int i = 0; i < 300'000; ++i) many.missing.push_back({to_bytes("a name"), "reason"});
  Snapshot long_ones = few;
  long_ones.store = "long";
  const std::string name(4000, 'n');
  for (int i = 0; i < 500; ++i) long_ones.missing.push_back({to_bytes(name), "reason"});
  session->commit({{}, "service", {}, "", {few, many, long_ones}});
  const std::vector<Point> points = open_repository(memory_)->points();
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].snapshots[0], few);
  const Snapshot& kept = points[0].snapshots[1];
  EXPECT_EQ(kept.missing.size(), kMissingListedMax);
  EXPECT_EQ(kept.missing.size() + kept.missing_more, 300'002U);
  EXPECT_EQ(kept.missing[0], few.missing[0]);
  const Snapshot& shorter = points[0].snapshots[2];
  EXPECT_LT(shorter.missing.size(), 20U);
  EXPECT_EQ(shorter.missing.size() + shorter.missing_more, 502U);
  EXPECT_LE(encode(points[0]).size(), 3 * kMissingBytesMax);
}

TEST_F(SessionTest, a_node_that_could_not_be_read_again_is_refused) {
  const auto repository = open_repository(memory_, Access::write);
  const auto session = repository->begin();
  TreeBuilder tree = session->tree();
  EXPECT_THROW(tree.add({to_bytes("key"), 0, Bytes(kMetadataBytesMax + 1), {}}), Error);
  TreeBuilder large = session->tree();
  const Record record{to_bytes("key"), 0, Bytes(kMetadataBytesMax), {}};
  large.add(record);
  Snapshot snapshot;
  snapshot.store = "store";
  snapshot.root = large.finish().id;
  session->commit({{}, "service", {}, "", {snapshot}});
  const auto reader = open_repository(memory_);
  TreeCursor cursor(reader->node_reader(), reader->points().at(0).snapshots.at(0).root);
  EXPECT_TRUE(*cursor.find_record() == record);
}

// An opened repository saw the points of others, but not where their chunks lie.
TEST_F(SessionTest, what_others_commit_is_readable_after_a_refresh) {
  const auto reader = open_repository(memory_);
  const auto writer = open_repository(memory_, Access::write);
  const Contents first = random_contents(9, 3, 2000);
  commit_contents(*writer, first);
  reader->refresh();
  EXPECT_EQ(contents_of(*reader, reader->points().at(0)), first);
  const Contents second = random_contents(10, 3, 2000);
  commit_contents(*open_repository(memory_, Access::write), second);
  reader->refresh();
  EXPECT_EQ(contents_of(*reader, reader->points().at(1)), second);
  const auto session = writer->begin();
  EXPECT_TRUE(session->knows(writer->id_of(as_bytes(second.begin()->second.substr(0, 1000)))));
  session->abandon();
}

TEST_F(SessionTest, the_packs_of_a_dead_process_are_taken_over) {
  const TemporaryDirectory directory("/tmp");
  const auto medium = backend::create_local(directory.path() / "repository");
  testing::create_repository(*medium);
  const Contents contents = random_contents(11, 10, 20'000);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Ends as a kill would: after its packs, before the log says so.
    FaultBackend faulty(*medium);
    faulty.on(fail(Operation::put, "index/", Fault::kill_before([] { _exit(0); })));
    const auto repository = open_repository(faulty, Access::write);
    commit_contents(*repository, contents);
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(testing::damage_of(*medium), "");
  const auto repository = open_repository(*medium, Access::write);
  ASSERT_EQ(repository->core().log_state.sessions.size(), 1U);
  {
    const auto session = repository->begin();
    EXPECT_EQ(repository->core().log_state.sessions.size(), 1U) << "the dead one was ended";
    EXPECT_TRUE(
        session->knows(repository->id_of(as_bytes(contents.begin()->second.substr(0, 1000)))));
    session->abandon();
  }
  commit_contents(*repository, contents);
  const auto reader = open_repository(*medium);
  EXPECT_EQ(contents_of(*reader, reader->points().at(0)), contents);
  EXPECT_EQ(testing::damage_of(*medium), "");
  std::uint64_t stored = 0;
  medium->list("packs/", "", [&](const backend::Object& object) { stored += object.size_bytes; });
  EXPECT_LT(stored, 200'000U * 11 / 10) << "nothing was stored twice";
}

}  // namespace
}  // namespace salvor::repo
