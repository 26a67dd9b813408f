#include "recovery/restore.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "backend/fault.h"
#include "backend/memory.h"
#include "backup/backup.h"
#include "base/error.h"
#include "base/fd.h"
#include "stores/disk/tree.h"
#include "testing/nasty_tree.h"
#include "testing/seeded_rng.h"
#include "testing/test_repository.h"
#include "testing/tree_compare.h"

namespace salvor::recovery {
namespace {

using backend::Fault;
using backend::MemoryBackend;
using repo::Access;
using testing::describe_tree;
using testing::open_repository;
using testing::SeededRng;
using testing::tree_difference;

namespace fs = std::filesystem;

void write_restored(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

std::string read_text(const fs::path& path) {
  return std::string(as_text(read_file(path, 1U << 30U)));
}

class RestoreTest : public ::testing::Test {
 protected:
  RestoreTest() {
    testing::create_repository(memory_);
    fs::create_directory(source());
  }
  ~RestoreTest() override {
    // Trees that are too deep for others to remove.
    for (const char* name : {"source", "target"}) {
      if (fs::exists(directory_.path() / name)) testing::empty_tree(directory_.path() / name);
    }
  }

  fs::path source() const { return directory_.path() / "source"; }
  fs::path target() const { return directory_.path() / "target"; }

  void make_small_tree() {
    SeededRng rng(1);
    fs::create_directories(source() / "a" / "b");
    for (int i = 0; i < 30; ++i) {
      write_restored(source() / (i % 2 == 0 ? "a" : "a/b") / ("file " + std::to_string(i)),
                     as_text(rng.bytes(rng.below(60'000))));
    }
    write_restored(source() / "empty", "");
    write_restored(source() / "large", as_text(rng.bytes(3'000'000)));
    fs::create_symlink("large", source() / "link");
    fs::create_hard_link(source() / "large", source() / "a" / "large too");
  }

  void back_up() {
    stores::disk::TreeSourceOptions from;
    from.root = source();
    const auto files = stores::disk::make_tree_source(from);
    backup::Options options;
    options.service = "shop";
    backup::run(*open_repository(memory_, Access::write), {{"media", "files", files.get(), false}},
                options);
  }

  RestoreResult restore_newest(const RestoreOptions& options, backend::Backend& medium) {
    const auto repository = open_repository(medium);
    const auto sink = stores::disk::make_tree_sink({.target = target(), .delta = options.delta});
    return restore(*repository, repository->points().back().snapshots.at(0), *sink, options);
  }
  RestoreResult restore_newest(const RestoreOptions& options = {}) {
    return restore_newest(options, memory_);
  }

  Error restore_error(backend::Backend& medium, const RestoreOptions& options = {}) {
    try {
      restore_newest(options, medium);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "no error";
    return Error(ErrorCode::usage, "");
  }

  void expect_equal() {
    EXPECT_EQ(tree_difference(describe_tree(source()), describe_tree(target())), "");
  }

  /// Whatever is in the target has no byte that the source has not in its place.
  void expect_no_wrong_bytes() {
    if (!fs::exists(target())) return;
    for (const auto& found : fs::recursive_directory_iterator(target())) {
      if (!found.is_regular_file() || found.is_symlink()) continue;
      if (found.path().filename() == stores::disk::kIncompleteMarker) continue;
      const std::string right = read_text(source() / fs::relative(found.path(), target()));
      const std::string there = read_text(found.path());
      ASSERT_LE(there.size(), right.size()) << found.path();
      for (std::size_t at = 0; at < there.size(); ++at) {
        // What was not written yet is a hole.
        ASSERT_TRUE(there[at] == right[at] || there[at] == 0) << found.path() << " at " << at;
      }
    }
  }

  const TemporaryDirectory directory_{"/tmp"};
  MemoryBackend memory_;
};

TEST_F(RestoreTest, a_nasty_tree_comes_back) {
  testing::make_nasty_tree(source(), {.huge_sparse_file = false});
  back_up();
  restore_newest();
  expect_equal();
  EXPECT_EQ(testing::damage_of(memory_), "");
}

TEST_F(RestoreTest, a_nasty_tree_is_not_read_again_and_comes_back_from_the_second_point) {
  testing::make_nasty_tree(source(), {.depth = 20, .huge_sparse_file = false});
  back_up();
  back_up();
  const auto points = open_repository(memory_)->points();
  EXPECT_EQ(points.at(1).snapshots[0].entries, points.at(0).snapshots[0].entries);
  restore_newest();
  expect_equal();
}

TEST_F(RestoreTest, any_number_of_threads_restores_the_same) {
  make_small_tree();
  back_up();
  for (const unsigned threads : {1U, 2U, 8U}) {
    const RestoreResult result = restore_newest({.threads = threads});
    expect_equal();
    EXPECT_EQ(result.bytes, result.bytes_written);
    EXPECT_EQ(result.entries, 37U);
    fs::remove_all(target());
  }
}

TEST_F(RestoreTest, a_target_with_content_is_refused) {
  make_small_tree();
  back_up();
  fs::create_directory(target());
  write_restored(target() / "mine", "precious");
  EXPECT_EQ(restore_error(memory_).code(), ErrorCode::refused);
  EXPECT_EQ(read_text(target() / "mine"), "precious");
}

TEST_F(RestoreTest, delta_writes_only_what_differs) {
  make_small_tree();
  back_up();
  restore_newest();
  EXPECT_EQ(restore_newest({.delta = true}).bytes_written, 0U);
  expect_equal();
  {
    std::fstream file(target() / "large", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(1'000'000);
    file << "!";
  }
  const RestoreResult result = restore_newest({.delta = true});
  EXPECT_GT(result.bytes_written, 0U);
  EXPECT_LE(result.bytes_written, 16'384U) << "one chunk";
  expect_equal();
}

TEST_F(RestoreTest, delta_sets_right_whatever_is_there) {
  make_small_tree();
  back_up();
  restore_newest();
  fs::resize_file(target() / "large", 1'234'567);
  std::ofstream(target() / "a" / "file 0", std::ios::app) << "more at the end";
  write_restored(target() / "empty", "no longer");
  write_restored(target() / "does not belong here", "moved aside");
  fs::remove(target() / "link");
  fs::create_directory(target() / "link");
  write_restored(target() / "link" / "inside", "in the way");
  fs::remove_all(target() / "a" / "b");
  write_restored(target() / "a" / "b", "a file where a directory was");
  fs::permissions(target() / "a" / "file 2", fs::perms::none);
  const RestoreResult result = restore_newest({.delta = true});
  EXPECT_GE(result.sink.moved_aside, 3U);
  EXPECT_TRUE(fs::exists(result.sink.moved_aside_to)) << "nothing is deleted";
  expect_equal();
}

TEST_F(RestoreTest, delta_makes_holes_where_bytes_were) {
  write_restored(source() / "sparse", std::string(4096, 'x'));
  fs::resize_file(source() / "sparse", 1U << 20U);
  back_up();
  fs::create_directory(target());
  write_restored(target() / "sparse", std::string(1'500'000, 'y'));
  restore_newest({.delta = true});
  expect_equal();
}

TEST_F(RestoreTest, a_damaged_pack_is_named_with_the_paths_it_affects) {
  make_small_tree();
  back_up();
  std::string pack;
  for (const auto& [name, bytes] : memory_.objects()) {
    if (name.starts_with("packs/") && bytes.size() > 3'000'000) pack = name;
  }
  ASSERT_NE(pack, "");
  for (std::size_t at = 5000; at < memory_.objects().at(pack).size(); at += 400'000) {
    memory_.objects().at(pack)[at] ^= std::byte{1};
    const Error error = restore_error(memory_);
    EXPECT_EQ(error.code(), ErrorCode::corruption);
    EXPECT_NE(error.message().find(pack), std::string::npos) << error.message();
    EXPECT_NE(error.message().find("affects "), std::string::npos) << error.message();
    EXPECT_FALSE(error.hint().empty());
    expect_no_wrong_bytes();
    memory_.objects().at(pack)[at] ^= std::byte{1};
    fs::remove_all(target());
  }
  restore_newest();
  expect_equal();
}

TEST_F(RestoreTest, a_missing_or_cut_pack_is_damage_and_writes_nothing_wrong) {
  make_small_tree();
  back_up();
  std::vector<std::string> packs;
  for (const auto& [name, bytes] : memory_.objects()) {
    if (name.starts_with("packs/")) packs.push_back(name);
  }
  for (const std::string& pack : packs) {
    for (const bool cut : {false, true}) {
      MemoryBackend medium(memory_.objects());
      if (cut) {
        medium.objects().at(pack).resize(100);
      } else {
        medium.objects().erase(pack);
      }
      try {
        restore_newest({}, medium);
        expect_equal();
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::corruption) << error.message();
        expect_no_wrong_bytes();
      }
      fs::remove_all(target());
    }
  }
}

TEST_F(RestoreTest, a_medium_that_does_not_answer_ends_it) {
  make_small_tree();
  back_up();
  for (const unsigned threads : {1U, 8U}) {
    backend::FaultBackend faulty(memory_);
    int reads = 0;
    faulty.on([&](const backend::Call& call) -> std::optional<Fault> {
      const bool chosen = call.operation == backend::Operation::get_range && ++reads >= 2;
      return chosen ? std::optional(Fault::unreachable_before()) : std::nullopt;
    });
    EXPECT_EQ(restore_error(faulty, {.threads = threads}).code(), ErrorCode::unreachable);
    fs::remove_all(target());
  }
}

// With more requests than may be in flight, the one that fails must wake who waits for room.
TEST_F(RestoreTest, an_error_among_many_requests_ends_it) {
  SeededRng rng(2);
  for (int i = 0; i < 40; ++i) {
    write_restored(source() / std::to_string(i), as_text(rng.bytes(100'000)));
    back_up();
  }
  std::size_t index = 0;
  for (auto& [name, bytes] : memory_.objects()) {
    // Packs of their own make requests of their own.
    if (name.starts_with("packs/") && bytes.size() > 50'000 && ++index % 7 == 0) {
      bytes[1000] ^= std::byte{1};
    }
  }
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(restore_error(memory_, {.threads = 1}).code(), ErrorCode::corruption);
    expect_no_wrong_bytes();
    fs::remove_all(target());
  }
}

TEST_F(RestoreTest, a_stop_ends_it) {
  make_small_tree();
  back_up();
  std::stop_source stop;
  stop.request_stop();
  RestoreOptions options;
  options.stop = stop.get_token();
  EXPECT_EQ(restore_error(memory_, options).code(), ErrorCode::cancelled);
}

TEST_F(RestoreTest, progress_reaches_what_was_expected) {
  make_small_tree();
  back_up();
  backup::Progress progress;
  RestoreOptions options;
  options.progress = &progress;
  const RestoreResult result = restore_newest(options);
  EXPECT_EQ(progress.bytes, result.bytes);
  EXPECT_EQ(progress.entries, progress.entries_expected);
  EXPECT_GE(progress.bytes_expected, progress.bytes);
}

TEST_F(RestoreTest, every_point_comes_back_as_it_was) {
  make_small_tree();
  back_up();
  const auto first = describe_tree(source());
  fs::remove_all(source() / "a" / "b");
  write_restored(source() / "large", "no longer");
  back_up();
  const auto second = describe_tree(source());
  const auto repository = open_repository(memory_);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto sink = stores::disk::make_tree_sink({.target = target()});
    restore(*repository, repository->points().at(i).snapshots.at(0), *sink, {});
    EXPECT_EQ(tree_difference(i == 0 ? first : second, describe_tree(target())), "");
    fs::remove_all(target());
  }
}

}  // namespace
}  // namespace salvor::recovery
