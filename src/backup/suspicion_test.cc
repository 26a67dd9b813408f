#include "backup/suspicion.h"

#include <gtest/gtest.h>

namespace salvor::backup {
namespace {

repo::Snapshot snapshot_of(std::uint64_t entries, std::uint64_t bytes) {
  repo::Snapshot snapshot;
  snapshot.store = "media";
  snapshot.type = "files";
  snapshot.entries = entries;
  snapshot.content_bytes = bytes;
  snapshot.facts = {{"path", "/srv/media"}, {"mount", "/srv"}};
  return snapshot;
}

std::vector<std::string> suspicions(const repo::Snapshot& before, repo::Snapshot now,
                                    std::optional<int> percent = 50) {
  judge(now, &before, {percent});
  return now.suspicions;
}

TEST(SuspicionTest, a_fall_beyond_the_limit_is_suspect) {
  const auto before = snapshot_of(100, 1'000'000);
  EXPECT_EQ(suspicions(before, snapshot_of(100, 1'000'000)).size(), 0U);
  EXPECT_EQ(suspicions(before, snapshot_of(50, 500'000)).size(), 0U);
  EXPECT_EQ(suspicions(before, snapshot_of(49, 500'000)).size(), 1U);
  EXPECT_EQ(suspicions(before, snapshot_of(50, 499'999)).size(), 1U);
  EXPECT_EQ(suspicions(before, snapshot_of(200, 499'999)).size(), 1U);
  EXPECT_EQ(suspicions(before, snapshot_of(20, 200'000), 90).size(), 0U);
  EXPECT_EQ(suspicions(before, snapshot_of(20, 200'000), std::nullopt).size(), 0U);
  const std::uint64_t huge = ~std::uint64_t{0};
  EXPECT_EQ(suspicions(snapshot_of(100, huge), snapshot_of(100, huge / 3)).size(), 1U);
}

TEST(SuspicionTest, what_has_lost_all_content_is_suspect_whatever_the_limit) {
  constexpr std::nullopt_t off = std::nullopt;
  EXPECT_EQ(suspicions(snapshot_of(2, 8192), snapshot_of(2, 0), off),
            (std::vector<std::string>{"the store has no content, and had 8192 bytes before"}));
  EXPECT_EQ(suspicions(snapshot_of(2, 8192), snapshot_of(2, 0)).size(), 1U);
  EXPECT_EQ(suspicions(snapshot_of(2, 0), snapshot_of(2, 0)).size(), 0U);
  EXPECT_EQ(suspicions(snapshot_of(9, 8192), snapshot_of(2, 0), off).size(), 0U);
}

TEST(SuspicionTest, the_marker_of_a_backup_is_no_content) {
  constexpr std::nullopt_t off = std::nullopt;
  const auto with_marker = [](std::uint64_t entries, std::uint64_t bytes) {
    repo::Snapshot snapshot = snapshot_of(entries, bytes);
    snapshot.facts["marker_bytes"] = "249";
    return snapshot;
  };
  EXPECT_EQ(suspicions(with_marker(4, 8192), with_marker(4, 249), off).size(), 1U);
  EXPECT_EQ(suspicions(with_marker(4, 8192), with_marker(2, 249), off),
            (std::vector<std::string>{"the store is empty, and had 3 entries before"}));
  EXPECT_EQ(suspicions(snapshot_of(1, 0), with_marker(2, 249), off).size(), 0U);
}

TEST(SuspicionTest,
     without_an_earlier_point_of_the_store_no_content_is_suspect_in_a_known_service) {
  repo::Snapshot now = snapshot_of(2, 0);
  judge(now, nullptr, {50, true});
  EXPECT_EQ(now.suspicions.size(), 0U);
  judge(now, nullptr, {50, false});
  EXPECT_EQ(now.suspicions.size(), 1U);
  now = snapshot_of(1, 0);  // a directory that nothing was put into yet
  judge(now, nullptr, {50, false});
  EXPECT_EQ(now.suspicions.size(), 0U);
  now = snapshot_of(2, 8192);
  judge(now, nullptr, {50, false});
  EXPECT_EQ(now.suspicions.size(), 0U);
}

TEST(SuspicionTest, an_empty_tree_is_suspect_whatever_the_limit) {
  const auto before = snapshot_of(3, 10);
  EXPECT_EQ(suspicions(before, snapshot_of(1, 0), std::nullopt).size(), 1U);
  EXPECT_EQ(suspicions(snapshot_of(1, 0), snapshot_of(1, 0)).size(), 0U);
}

TEST(SuspicionTest, a_mount_that_is_gone_is_suspect) {
  const auto before = snapshot_of(10, 10);
  repo::Snapshot now = snapshot_of(10, 10);
  now.facts["mount"] = "/";
  EXPECT_EQ(suspicions(before, now, std::nullopt).size(), 1U);
  now.facts["mount"] = "/srv/media";  // one more
  EXPECT_EQ(suspicions(before, now).size(), 0U);
  now.facts["mount"] = "/";
  now.facts["path"] = "/home/media";  // the store was moved
  EXPECT_EQ(suspicions(before, now).size(), 0U);
  repo::Snapshot old = before;
  old.facts.erase("mount");  // of an earlier version
  now.facts["path"] = "/srv/media";
  EXPECT_EQ(suspicions(old, now).size(), 0U);
}

TEST(SuspicionTest, what_the_last_good_point_had_too_is_a_remark) {
  auto before = snapshot_of(10, 10);
  before.suspicions = {"quick_check fails"};  // and was accepted
  auto now = snapshot_of(10, 10);
  now.suspicions = {"quick_check fails", "it is no database"};
  judge(now, &before, {50});
  EXPECT_EQ(now.suspicions, std::vector<std::string>{"it is no database"});
  EXPECT_EQ(now.remarks, std::vector<std::string>{"quick_check fails"});
  auto later = snapshot_of(10, 10);
  later.suspicions = {"quick_check fails"};
  judge(later, &now, {50});
  EXPECT_TRUE(later.suspicions.empty());
}

TEST(SuspicionTest, without_a_point_before_only_the_store_itself_speaks) {
  auto now = snapshot_of(1, 0);
  now.suspicions = {"it is no database"};
  judge(now, nullptr, {50});
  EXPECT_EQ(now.suspicions.size(), 1U);
}

}  // namespace
}  // namespace salvor::backup
