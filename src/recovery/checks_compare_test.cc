#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "backend/memory.h"
#include "backup/backup.h"
#include "base/error.h"
#include "base/fd.h"
#include "checks/checks.h"
#include "recovery/restore.h"
#include "stores/disk/tree.h"
#include "testing/fake_source.h"
#include "testing/nasty_tree.h"
#include "testing/seeded_rng.h"
#include "testing/test_repository.h"
#include "testing/tree_compare.h"

namespace salvor::recovery {
namespace {

using backend::MemoryBackend;
using checks::CheckOutcome;
using checks::compare_with_point;
using checks::Depth;
using checks::Verdict;
using testing::open_repository;
using testing::SeededRng;

namespace fs = std::filesystem;

void write_file(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

class CompareTest : public ::testing::Test {
 protected:
  CompareTest() {
    testing::create_repository(memory_);
    fs::create_directory(source());
  }
  ~CompareTest() override {
    for (const char* name : {"source", "copy"}) {
      if (fs::exists(directory_.path() / name)) testing::empty_tree(directory_.path() / name);
    }
  }

  fs::path source() const { return directory_.path() / "source"; }
  fs::path copy() const { return directory_.path() / "copy"; }

  /// Backs up the source, and restores it as the copy.
  void make_copy() {
    const auto files =
        stores::disk::make_tree_source({.root = source(), .exclude = {}, .forbidden = {}});
    backup::Options options;
    options.service = "shop";
    backup::run(*open_repository(memory_, repo::Access::write),
                {{"media", "files", files.get(), false}}, options);
    const auto repository = open_repository(memory_);
    const auto sink = stores::disk::make_tree_sink({.target = copy()});
    restore(*repository, repository->points().back().snapshots.at(0), *sink, {});
  }

  void make_small_tree() {
    SeededRng rng(1);
    fs::create_directories(source() / "a" / "b");
    for (int i = 0; i < 200; ++i) {
      write_file(source() / (i % 2 == 0 ? "a" : "a/b") / ("file " + std::to_string(i)),
                 as_text(rng.bytes(rng.below(30'000))));
    }
    write_file(source() / "empty", "");
    write_file(source() / "large", as_text(rng.bytes(3'000'000)));
    fs::create_symlink("large", source() / "link");
    fs::create_hard_link(source() / "large", source() / "z large too");
    write_file(source() / "sparse", std::string(4096, 'x'));
    fs::resize_file(source() / "sparse", 1U << 20U);
    make_copy();
  }

  CheckOutcome compare(Depth depth, stores::Source& with) {
    const auto repository = open_repository(memory_);
    return compare_with_point(*repository, repository->points().back().snapshots.at(0), with, depth,
                              {});
  }
  CheckOutcome compare(Depth depth) {
    return compare(
        depth, *stores::disk::make_tree_source({.root = copy(), .exclude = {}, .forbidden = {}}));
  }

  /// Damages the copy in one way, which both depths must find, or the deep one alone.
  void expect_found(const std::string& line, bool by_content_only = false) {
    const CheckOutcome shallow = compare(Depth::counts);
    EXPECT_EQ(shallow.verdict, by_content_only ? Verdict::passed : Verdict::failed) << line;
    const CheckOutcome deep = compare(Depth::content);
    EXPECT_EQ(deep.verdict, Verdict::failed) << line;
    EXPECT_EQ(deep.output, line + "\n");
    EXPECT_NE(deep.actual.find("; differences: 1, the first: " + line), std::string::npos)
        << deep.actual;
  }

  const TemporaryDirectory directory_{"/tmp"};
  MemoryBackend memory_;
};

TEST_F(CompareTest, a_restored_tree_is_equal) {
  make_small_tree();
  for (const Depth depth : {Depth::counts, Depth::content}) {
    const CheckOutcome outcome = compare(depth);
    EXPECT_EQ(outcome.verdict, Verdict::passed) << outcome.actual << "\n" << outcome.output;
    EXPECT_EQ(outcome.actual, outcome.expected);
    EXPECT_EQ(outcome.kind, "built-in");
    EXPECT_EQ(outcome.store, "media");
    EXPECT_EQ(outcome.output, "");
  }
}

TEST_F(CompareTest, a_nasty_tree_is_equal) {
  testing::make_nasty_tree(source(), {.huge_sparse_file = true});
  make_copy();
  const CheckOutcome outcome = compare(Depth::content);
  EXPECT_EQ(outcome.verdict, Verdict::passed) << outcome.actual << "\n" << outcome.output;
}

TEST_F(CompareTest, what_is_missing_or_more_is_named) {
  make_small_tree();
  fs::remove(copy() / "a" / "file 8");
  expect_found("a/file 8 is missing");
  write_file(copy() / "a" / "file 8", "");
  write_file(copy() / "a" / "b" / "mor\ne", "");
  const CheckOutcome outcome = compare(Depth::counts);
  EXPECT_NE(outcome.output.find("a/b/mor\\x0ae is not in the point\n"), std::string::npos)
      << outcome.output;
  EXPECT_NE(outcome.output.find("a/file 8 has 0 bytes, expected "), std::string::npos)
      << outcome.output;
}

TEST_F(CompareTest, the_last_thing_may_be_missing_or_more) {
  make_small_tree();
  fs::remove(copy() / "z large too");
  expect_found("z large too is missing");
  fs::create_hard_link(copy() / "large", copy() / "z large too");
  write_file(copy() / "zz", "");
  expect_found("zz is not in the point");
}

TEST_F(CompareTest, one_wrong_byte_is_found_where_it_is) {
  make_small_tree();
  {
    std::fstream file(copy() / "large", std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(2'000'000);
    const char byte = static_cast<char>(file.get() ^ 1);
    file.seekp(2'000'000);
    file.put(byte);
  }
  EXPECT_EQ(compare(Depth::counts).verdict, Verdict::passed) << "sizes are equal";
  const CheckOutcome outcome = compare(Depth::content);
  EXPECT_EQ(outcome.verdict, Verdict::failed);
  unsigned long start = 0;
  unsigned long end = 0;
  ASSERT_EQ(
      std::sscanf(outcome.output.c_str(), "large differs between bytes %lu and %lu", &start, &end),
      2)
      << outcome.output;
  EXPECT_LE(start, 2'000'000U);
  EXPECT_GT(end, 2'000'000U);
  EXPECT_LE(end - start, 16'384U) << "one chunk";
}

TEST_F(CompareTest, holes_and_zeros_are_the_same_and_other_bytes_are_not) {
  make_small_tree();
  {
    std::fstream file(copy() / "sparse", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(500'000);
    file << std::string(50'000, '\0');
  }
  EXPECT_EQ(compare(Depth::content).verdict, Verdict::passed);
  {
    std::fstream file(copy() / "sparse", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(700'000);
    file << "x";
  }
  expect_found("sparse differs between bytes 4096 and 1048576", true);
}

TEST_F(CompareTest, kinds_links_and_sizes_are_compared) {
  make_small_tree();
  fs::remove(copy() / "link");
  fs::create_symlink("empty", copy() / "link");
  expect_found("link has another target than in the point");
  fs::remove(copy() / "link");
  fs::create_directory(copy() / "link");
  expect_found("link is a directory, expected a symlink");
  fs::remove(copy() / "link");
  fs::create_symlink("large", copy() / "link");
  write_file(copy() / "empty", "no");
  expect_found("empty has 2 bytes, expected 0");
  fs::resize_file(copy() / "empty", 0);
  EXPECT_EQ(compare(Depth::content).verdict, Verdict::passed);
}

TEST_F(CompareTest, all_is_different_in_an_empty_copy) {
  make_small_tree();
  const CheckOutcome outcome = [&] {
    const TemporaryDirectory empty("/tmp");
    return compare(Depth::content, *stores::disk::make_tree_source(
                                       {.root = empty.path(), .exclude = {}, .forbidden = {}}));
  }();
  EXPECT_EQ(outcome.verdict, Verdict::failed);
  EXPECT_EQ(std::count(outcome.output.begin(), outcome.output.end(), '\n'), 20);
  EXPECT_TRUE(outcome.output.starts_with("a is missing\na/b is missing\n")) << outcome.output;
  EXPECT_NE(outcome.actual.find("; differences: 207, "), std::string::npos) << outcome.actual;
}

TEST_F(CompareTest, what_cannot_be_read_is_a_difference_once) {
  write_file(source() / "good", "good");
  write_file(source() / "bad", "bad");
  write_file(source() / "broken", std::string(40'000, 'b'));
  make_copy();
  testing::FakeItem bad = testing::fake_file("bad");
  bad.unreadable = true;
  testing::FakeItem broken = testing::fake_file(std::string(40'000, 'b'));
  broken.breaks_at = 20'000;
  testing::FakeSource with({{"", testing::fake_directory()},
                            {"bad", bad},
                            {"broken", broken},
                            {"good", testing::fake_file("good")}});
  const CheckOutcome outcome = compare(Depth::content, with);
  EXPECT_EQ(outcome.verdict, Verdict::failed);
  EXPECT_NE(outcome.actual.find("; differences: 2, "), std::string::npos) << outcome.actual;
  EXPECT_NE(outcome.output.find("broken can't be read: input/output error\n"), std::string::npos)
      << outcome.output;
}

TEST_F(CompareTest, content_that_ends_early_or_goes_on_is_found) {
  write_file(source() / "f", std::string(20'000, 'f'));
  make_copy();
  for (const std::size_t bytes : {std::size_t{19'999}, std::size_t{20'001}}) {
    testing::FakeItem file = testing::fake_file(std::string(20'000, 'f'));
    file.contents = {std::string(bytes, 'f')};  // not as it was announced
    testing::FakeSource with({{"", testing::fake_directory()}, {"f", file}});
    EXPECT_EQ(compare(Depth::counts, with).verdict, Verdict::passed);
    testing::FakeSource again({{"", testing::fake_directory()}, {"f", file}});
    EXPECT_EQ(compare(Depth::content, again).verdict, Verdict::failed) << bytes;
  }
}

TEST_F(CompareTest, a_damaged_tree_is_impossible_to_compare_with) {
  make_small_tree();
  const auto repository = open_repository(memory_);
  repo::Snapshot snapshot = repository->points().back().snapshots.at(0);
  snapshot.root = repo::ChunkId{};
  snapshot.root.mutable_bytes()[0] = std::byte{1};
  const auto with =
      stores::disk::make_tree_source({.root = copy(), .exclude = {}, .forbidden = {}});
  const CheckOutcome outcome = compare_with_point(*repository, snapshot, *with, Depth::content, {});
  EXPECT_EQ(outcome.verdict, Verdict::impossible);
  EXPECT_FALSE(outcome.actual.empty());
}

TEST_F(CompareTest, the_points_own_numbers_are_compared) {
  make_small_tree();
  const auto repository = open_repository(memory_);
  repo::Snapshot snapshot = repository->points().back().snapshots.at(0);
  ++snapshot.entries;
  const auto with =
      stores::disk::make_tree_source({.root = copy(), .exclude = {}, .forbidden = {}});
  const CheckOutcome outcome = compare_with_point(*repository, snapshot, *with, Depth::counts, {});
  EXPECT_EQ(outcome.verdict, Verdict::failed);
  EXPECT_NE(outcome.output.find("the point records"), std::string::npos) << outcome.output;
}

TEST_F(CompareTest, a_stop_ends_it) {
  make_small_tree();
  std::stop_source stop;
  stop.request_stop();
  const auto repository = open_repository(memory_);
  const auto with =
      stores::disk::make_tree_source({.root = copy(), .exclude = {}, .forbidden = {}});
  try {
    compare_with_point(*repository, repository->points().back().snapshots.at(0), *with,
                       Depth::content, stop.get_token());
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

}  // namespace
}  // namespace salvor::recovery
