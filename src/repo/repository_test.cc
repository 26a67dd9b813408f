#include "repo/repository.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backend/fault.h"
#include "backend/memory.h"
#include "repo/internal/core.h"
#include "testing/seeded_rng.h"
#include "testing/test_repository.h"

namespace salvor::repo {
namespace {

using backend::Fault;
using backend::FaultBackend;
using backend::MemoryBackend;
using testing::commit_contents;
using testing::Contents;
using testing::contents_of;
using testing::create_repository;
using testing::damage_of;
using testing::open_repository;

ErrorCode write_error(backend::Backend& backend) {
  try {
    open_repository(backend, Access::write);
  } catch (const Error& error) {
    EXPECT_FALSE(error.hint().empty()) << error.message();
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::failed;
}

std::vector<std::string> names_of(const MemoryBackend::Objects& objects, std::string_view prefix) {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : objects) {
    if (name.starts_with(prefix)) names.push_back(name);
  }
  return names;
}

void remove_all(MemoryBackend& medium, std::string_view prefix) {
  for (const std::string& name : names_of(medium.objects(), prefix)) medium.objects().erase(name);
}

/// Several points in a repository that lives in memory: more than one checkpoint, and each point
/// has chunks of its own.
class RepositoryTest : public ::testing::Test {
 protected:
  static constexpr int kPoints = 7;

  RepositoryTest() {
    create_repository(memory_);
    testing::SeededRng rng(1);
    for (int i = 0; i < kPoints; ++i) {
      Contents contents = points_.empty() ? Contents{} : points_.back();
      contents["file " + std::to_string(i)] = std::string(as_text(rng.bytes(3000)));
      points_.push_back(contents);
      commit_contents(*open_repository(memory_, Access::write), contents);
    }
  }

  void expect_all_points(Repository& repository) {
    ASSERT_EQ(repository.points().size(), points_.size());
    for (std::size_t i = 0; i < points_.size(); ++i) {
      EXPECT_EQ(contents_of(repository, repository.points()[i]), points_[i]);
    }
  }

  /// All points are readable as it is; after a repair it is sound.
  void expect_can_be_repaired(MemoryBackend& medium) {
    expect_all_points(*open_repository(medium, Access::inspect));
    repair(*open_repository(medium, Access::repair));
    EXPECT_EQ(damage_of(medium), "");
    expect_all_points(*open_repository(medium));
  }

  /// The same; and it takes new points.
  void expect_nothing_is_lost(MemoryBackend& medium, bool damage_shows = true) {
    if (damage_shows) {
      EXPECT_NE(damage_of(medium), "");
    }
    expect_can_be_repaired(medium);
    const Contents more{{"more", std::string(5000, 'm')}};
    commit_contents(*open_repository(medium, Access::write), more);
    const auto repository = open_repository(medium);
    ASSERT_EQ(repository->points().size(), points_.size() + 1);
    EXPECT_EQ(contents_of(*repository, repository->points().back()), more);
    EXPECT_EQ(damage_of(medium), "");
    EXPECT_TRUE(repair(*open_repository(medium, Access::repair)).empty()) << "nothing is left";
  }

  MemoryBackend memory_;
  std::vector<Contents> points_;
};

TEST_F(RepositoryTest, is_sound_and_reads_everything) {
  EXPECT_EQ(damage_of(memory_), "");
  expect_all_points(*open_repository(memory_));
  EXPECT_GE(names_of(memory_.objects(), "checkpoint/").size(), 1U);
}

TEST_F(RepositoryTest, there_is_one_repository_in_a_place) {
  try {
    create_repository(memory_);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict);
  }
  MemoryBackend empty;
  try {
    open_repository(empty);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
}

TEST_F(RepositoryTest, creation_killed_anywhere_leaves_none_or_one_that_works) {
  for (const bool after : {false, true}) {
    for (std::uint64_t at = 1;; ++at) {
      MemoryBackend medium;
      FaultBackend faulty(medium);
      faulty.at(at, after ? Fault::kill_after() : Fault::kill_before());
      try {
        create_repository(faulty);
      } catch (const backend::Killed&) {
        EXPECT_TRUE(faulty.dead());
      }
      if (faulty.calls() < at) break;
      SCOPED_TRACE(at);
      if (medium.objects().empty()) create_repository(medium);
      commit_contents(*open_repository(medium, Access::write), points_[0]);
      const auto repository = open_repository(medium);
      EXPECT_EQ(contents_of(*repository, repository->points().at(0)), points_[0]);
      repair(*open_repository(medium, Access::repair));
      EXPECT_EQ(damage_of(medium), "");
    }
  }
}

TEST_F(RepositoryTest, a_medium_without_the_condition_is_refused) {
  FaultBackend faulty(memory_);
  faulty.ignore_condition(true);
  EXPECT_EQ(write_error(faulty), ErrorCode::refused);
  MemoryBackend empty;
  FaultBackend other(empty);
  other.ignore_condition(true);
  EXPECT_THROW(create_repository(other), Error);
}

TEST_F(RepositoryTest, each_index_run_may_be_lost_or_damaged) {
  for (const std::string& name : names_of(memory_.objects(), "index/")) {
    SCOPED_TRACE(name);
    MemoryBackend lost(memory_.objects());
    lost.objects().erase(name);
    expect_nothing_is_lost(lost);
    MemoryBackend damaged(memory_.objects());
    damaged.objects().at(name)[60] ^= std::byte{1};
    expect_nothing_is_lost(damaged);
  }
  remove_all(memory_, "index/");
  expect_nothing_is_lost(memory_);
}

TEST_F(RepositoryTest, a_writer_goes_on_with_a_lost_index_run) {
  remove_all(memory_, "index/");
  const auto repository = open_repository(memory_, Access::write);
  const auto session = repository->begin();
  for (const auto& [key, content] : points_.back()) {
    EXPECT_TRUE(session->knows(repository->id_of(as_bytes(content.substr(0, 1000)))));
  }
  session->abandon();
}

TEST_F(RepositoryTest, each_log_entry_may_be_lost_or_damaged) {
  const std::vector<std::string> names = names_of(memory_.objects(), "log/");
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    MemoryBackend lost(memory_.objects());
    lost.objects().erase(name);
    // That the newest one was there, nothing in the repository can tell.
    const bool newest = name == names.back();
    expect_nothing_is_lost(lost, !newest);
    MemoryBackend damaged(memory_.objects());
    damaged.objects().at(name)[60] ^= std::byte{1};
    expect_nothing_is_lost(damaged);
  }
}

TEST_F(RepositoryTest, nothing_is_written_to_a_damaged_log) {
  memory_.objects().erase(names_of(memory_.objects(), "log/").at(18));
  EXPECT_EQ(write_error(memory_), ErrorCode::corruption);
}

TEST_F(RepositoryTest, each_checkpoint_may_be_lost_or_damaged) {
  for (const std::string& name : names_of(memory_.objects(), "checkpoint/")) {
    SCOPED_TRACE(name);
    MemoryBackend lost(memory_.objects());
    lost.objects().erase(name);
    expect_nothing_is_lost(lost);
    MemoryBackend damaged(memory_.objects());
    damaged.objects().at(name)[60] ^= std::byte{1};
    expect_nothing_is_lost(damaged);
  }
}

TEST_F(RepositoryTest, the_description_may_be_lost_or_damaged) {
  MemoryBackend lost(memory_.objects());
  lost.objects().erase("salvor.json");
  // A writer took the medium that had lost it for one that ignores the condition.
  {
    MemoryBackend written(lost.objects());
    commit_contents(*open_repository(written, Access::write), {{"a", "b"}});
    EXPECT_EQ(damage_of(written), "");
  }
  expect_nothing_is_lost(lost);
  const std::size_t size = memory_.objects().at("salvor.json").size();
  for (std::size_t at = 0; at < size; ++at) {
    for (const auto bit : {1U, 2U, 4U}) {
      MemoryBackend damaged(memory_.objects());
      damaged.objects().at("salvor.json")[at] ^= static_cast<std::byte>(bit);
      EXPECT_NE(damage_of(damaged, false), "") << at;
      if (at % 37 == 0) expect_nothing_is_lost(damaged);
    }
  }
}

TEST_F(RepositoryTest, log_and_index_and_checkpoints_may_all_be_lost) {
  for (const char* prefix : {"log/", "checkpoint/", "index/"}) remove_all(memory_, prefix);
  EXPECT_EQ(write_error(memory_), ErrorCode::corruption);
  expect_nothing_is_lost(memory_);
}

TEST_F(RepositoryTest, the_log_and_every_second_run_may_be_lost) {
  remove_all(memory_, "log/");
  bool odd = false;
  for (const std::string& name : names_of(memory_.objects(), "index/")) {
    if (odd) memory_.objects().erase(name);
    odd = !odd;
  }
  expect_nothing_is_lost(memory_);
}

TEST_F(RepositoryTest, a_repair_killed_anywhere_can_be_done_again) {
  memory_.objects().erase(log_name(5));
  memory_.objects().at(names_of(memory_.objects(), "index/").at(2))[60] ^= std::byte{1};
  memory_.objects().erase("salvor.json");
  for (const bool after : {false, true}) {
    for (std::uint64_t at = 1;; ++at) {
      MemoryBackend medium(memory_.objects());
      FaultBackend faulty(medium);
      std::uint64_t deadly = 0;
      try {
        const auto repository = open_repository(faulty, Access::repair);
        deadly = faulty.calls() + at;
        faulty.at(deadly, after ? Fault::kill_after() : Fault::kill_before());
        repair(*repository);
      } catch (const backend::Killed&) {
        EXPECT_TRUE(faulty.dead());
      }
      if (faulty.calls() < deadly) break;
      SCOPED_TRACE("killed at operation " + std::to_string(at));
      if (at % 10 == 0) {
        expect_nothing_is_lost(medium, false);
      } else {
        expect_can_be_repaired(medium);
      }
    }
  }
}

// A writer with the state of before put its entry where no reader looked.
TEST_F(RepositoryTest, who_still_goes_by_the_old_log_commits_into_the_new_one) {
  const auto writer = open_repository(memory_, Access::write);
  const auto session = writer->begin();
  memory_.objects().erase(log_name(5));
  repair(*open_repository(memory_, Access::repair));
  Snapshot snapshot;
  snapshot.store = "store";
  snapshot.root = session->tree().finish().id;
  session->commit({{}, "service", {}, "", {snapshot}});
  points_.push_back({});
  expect_nothing_is_lost(memory_, false);
}

TEST_F(RepositoryTest, who_is_further_behind_the_old_log_is_told) {
  const auto writer = open_repository(memory_, Access::write);
  auto session = writer->begin();
  {
    const auto other = open_repository(memory_, Access::write);
    other->begin()->abandon();
    other->begin()->abandon();
  }
  memory_.objects().erase(log_name(5));
  repair(*open_repository(memory_, Access::repair));
  Snapshot snapshot;
  snapshot.store = "store";
  snapshot.root = session->tree().finish().id;
  try {
    session->commit({{}, "service", {}, "", {snapshot}});
    FAIL() << "expected a conflict";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict) << error.message();
  }
  session.reset();
  expect_nothing_is_lost(memory_, false);
}

// What a backup has found in the index may be gone when it commits.
TEST_F(RepositoryTest, a_backup_beside_a_repair_that_replaces_packs_is_refused) {
  const auto writer = open_repository(memory_, Access::write);
  auto session = writer->begin();
  const TreeRoot root = session->tree().finish();
  const auto mender = open_repository(memory_, Access::repair);
  const std::vector<PackId> packs = mender->core().list_packs(false);
  CheckReport report;
  report.damaged_packs = {packs.front()};
  repair_packs(*mender, report);
  Snapshot snapshot;
  snapshot.store = "store";
  snapshot.root = root.id;
  try {
    session->commit({{}, "service", {}, "", {snapshot}});
    FAIL() << "expected a conflict";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict) << error.message();
  }
  session->abandon();
  session.reset();
  const auto again = writer->begin();
  snapshot.root = again->tree().finish().id;
  again->commit({{}, "service", {}, "", {snapshot}});
  points_.push_back({});
  expect_nothing_is_lost(memory_, false);
}

// Whoever holds several services' sessions one after another must not refer to what a repair took.
TEST_F(RepositoryTest, an_index_of_before_a_repair_is_read_anew) {
  const auto reader = open_repository(memory_);
  reader->core().chunks();
  const auto mender = open_repository(memory_, Access::repair);
  const std::vector<PackId> packs = mender->core().list_packs(false);
  CheckReport report;
  report.damaged_packs = packs;
  repair_packs(*mender, report);
  reader->refresh();
  for (const PackId& pack : packs) EXPECT_FALSE(reader->core().chunks().knows(pack));
}

// Its directory may be readable: that is no reason for a backup to refer to the rest.
TEST_F(RepositoryTest, a_pack_that_the_medium_does_not_give_is_adopted_by_no_writer) {
  const auto mender = open_repository(memory_, Access::repair);
  CheckReport report;
  report.unreadable_packs = mender->core().list_packs(false);
  repair_packs(*mender, report);
  const auto writer = open_repository(memory_, Access::write);
  Index& index = writer->core().chunks();
  writer->core().adopt_unknown_packs(index);
  for (const PackId& pack : report.unreadable_packs) {
    EXPECT_FALSE(index.knows(pack));
    EXPECT_TRUE(memory_.objects().contains(pack_name(pack)));
  }
}

TEST_F(RepositoryTest, a_lost_pack_is_named_with_what_it_affects) {
  for (const std::string& name : names_of(memory_.objects(), "packs/")) {
    MemoryBackend medium(memory_.objects());
    medium.objects().erase(name);
    const std::string damage = damage_of(medium);
    EXPECT_NE(damage.find(name), std::string::npos);
    // And still when the run that named it is lost as well, and after a repair.
    remove_all(medium, "index/");
    repair(*open_repository(medium, Access::repair));
    const auto pack_held_data = damage.find("affected") != std::string::npos;
    if (pack_held_data) {
      EXPECT_NE(damage_of(medium).find("affected"), std::string::npos) << name;
    }
  }
}

TEST_F(RepositoryTest, what_a_lost_pack_held_is_stored_again_and_then_readable) {
  for (const std::string& name : names_of(memory_.objects(), "packs/")) {
    SCOPED_TRACE(name);
    for (const bool cut : {false, true}) {
      MemoryBackend medium(memory_.objects());
      if (cut) {
        medium.objects().at(name).resize(200);
      } else {
        medium.objects().erase(name);
      }
      for (const Contents& contents : points_) {
        commit_contents(*open_repository(medium, Access::write), contents);
      }
      const auto repository = open_repository(medium);
      ASSERT_EQ(repository->points().size(), 2 * points_.size());
      // The old points share the chunks, and come back as well.
      for (std::size_t i = 0; i < repository->points().size(); ++i) {
        EXPECT_EQ(contents_of(*repository, repository->points()[i]), points_[i % points_.size()]);
      }
      CheckOptions options;
      options.data = true;
      const CheckReport report = check(*repository, options);
      EXPECT_TRUE(report.affected.empty());
      if (cut) continue;
      repair(*open_repository(medium, Access::repair));
      // Nobody needs the pack any more: that it is gone is said, and is no damage.
      for (const Access access : {Access::inspect, Access::repair}) {
        EXPECT_EQ(damage_of(check(*open_repository(medium, access), options)), "");
      }
      EXPECT_TRUE(std::any_of(report.findings.begin(), report.findings.end(),
                              [&](const Finding& finding) { return finding.object == name; }));
    }
  }
}

TEST_F(RepositoryTest, of_two_copies_of_a_chunk_one_is_enough) {
  // Two writers that do not see each other store the same content.
  MemoryBackend medium;
  create_repository(medium);
  const auto first = open_repository(medium, Access::write);
  const auto second = open_repository(medium, Access::write);
  first->core().chunks();
  second->core().chunks();
  const Contents contents{{"a", std::string(2500, 'a')}, {"b", std::string(700, 'b')}};
  const auto session = second->begin();
  commit_contents(*first, contents);
  std::vector<ByteView> pieces;
  for (std::size_t at = 0; at < 2500; at += 1000) {
    pieces.push_back(as_bytes(std::string_view(contents.at("a")).substr(at, 1000)));
  }
  pieces.push_back(as_bytes(contents.at("b")));
  std::vector<ChunkId> ids(pieces.size());
  session->store(pieces, ids);
  EXPECT_GT(session->counters().chunks_new, 0U);
  session->abandon();
  const Location location = *open_repository(medium)->core().chunks().find(ids[0]);
  medium.objects().at(pack_name(location.pack.id))[location.frame_offset + 3] ^= std::byte{1};
  const auto reader = open_repository(medium);
  EXPECT_EQ(contents_of(*reader, reader->points().at(0)), contents);
  for (const FetchGroup& group : reader->plan(ids)) {
    reader->fetch(
        ids, group,
        [&](std::uint32_t place, ByteView chunk) {
          EXPECT_EQ(to_bytes(chunk), to_bytes(pieces[place]));
        },
        [](std::uint32_t, const Error& error) { ADD_FAILURE() << error.message(); });
  }
  CheckOptions options;
  options.data = true;
  const CheckReport report = check(*reader, options);
  EXPECT_FALSE(report.sound());
  EXPECT_TRUE(report.affected.empty()) << "everything can be restored";
}

TEST_F(RepositoryTest, the_newest_entry_is_missed_by_who_has_seen_it) {
  const std::uint64_t head = open_repository(memory_)->sequence();
  memory_.objects().erase(log_name(head));
  EXPECT_EQ(damage_of(memory_), "");
  CheckOptions options;
  options.head_seen = head;
  const CheckReport report = check(*open_repository(memory_), options);
  EXPECT_NE(damage_of(report).find(log_name(head)), std::string::npos);
}

}  // namespace
}  // namespace salvor::repo
