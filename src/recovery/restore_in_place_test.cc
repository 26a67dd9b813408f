// A snapshot is restored beside what is live, with what is live, and takes its place.

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "backend/memory.h"
#include "backup/backup.h"
#include "base/fd.h"
#include "recovery/restore.h"
#include "stores/disk/tree.h"
#include "stores/files/files.h"
#include "testing/nasty_tree.h"
#include "testing/seeded_rng.h"
#include "testing/test_repository.h"
#include "testing/tree_compare.h"

namespace salvor::recovery {
namespace {

using repo::Access;
using testing::open_repository;

namespace fs = std::filesystem;

constexpr std::int64_t kWaitMs = 2'000;

/// So late that nothing which was made just now is racy.
class LateClock final : public Clock {
 public:
  Time now() override { return {Clock::system().now().ns + 100'000'000'000}; }
  Time monotonic() override { return Clock::system().monotonic(); }
};

class RestoreInPlaceTest : public ::testing::Test {
 protected:
  RestoreInPlaceTest() {
    testing::create_repository(memory_);
    fs::create_directory(live());
    testing::make_nasty_tree(live(), {.huge_sparse_file = false});
    // Of more chunks than one record of a tree holds.
    testing::SeededRng rng(7);
    const Fd fd = open_file(live() / "large", O_WRONLY | O_CREAT);
    for (int i = 0; i < 100; ++i) write_all(fd.get(), rng.bytes(1 << 20U), "large");
  }
  ~RestoreInPlaceTest() override { testing::empty_tree(directory_.path()); }

  fs::path live() const { return directory_.path() / "live"; }

  void back_up() {
    stores::disk::TreeSourceOptions from;
    from.root = live();
    from.clock = &clock_;
    const auto files = stores::disk::make_tree_source(from);
    backup::Options options;
    options.service = "shop";
    backup::run(*open_repository(memory_, Access::write), {{"media", "files", files.get(), false}},
                options);
  }

  std::unique_ptr<stores::Replacement> replacement() const {
    stores::FilesTargetOptions options;
    options.root = live();
    return stores::make_files_target(options)->replacement("r1", "media");
  }

  RestoreResult make_copy() {
    const auto replacing = replacement();
    replacing->provision();
    const auto sink = replacing->sink(stores::Recognise::by_status);
    const auto repository = open_repository(memory_);
    RestoreOptions options;
    options.delta = true;
    return restore(*repository, repository->points().back().snapshots.at(0), *sink, options);
  }

  /// Without the number of links, which sharing changes.
  static std::map<std::string, std::string> describe(const fs::path& tree) {
    auto lines = testing::describe_tree(tree);
    for (auto& [path, line] : lines) {
      const std::size_t at = line.find("links ");
      if (at != std::string::npos) line.erase(at, line.find(' ', at + 6) - at);
    }
    return lines;
  }

  const TemporaryDirectory directory_{"/tmp"};
  backend::MemoryBackend memory_;
  LateClock clock_;
};

TEST_F(RestoreInPlaceTest, what_is_unchanged_is_not_read_from_the_repository) {
  back_up();
  const auto before = describe(live());
  const RestoreResult result = make_copy();
  EXPECT_EQ(result.bytes_written, 0U);
  EXPECT_GT(result.bytes, 100U << 20U);
  EXPECT_GT(result.sink.reused, 30U);
  EXPECT_EQ(testing::tree_difference(before, describe(replacement()->copy().path)), "");
  EXPECT_EQ(testing::tree_difference(before, describe(live())), "");
}

TEST_F(RestoreInPlaceTest, only_what_differs_is_read_and_undo_brings_all_of_it_back) {
  back_up();
  const auto before = describe(live());
  {
    const Fd fd = open_file(live() / "large", O_WRONLY);
    pwrite_all(fd.get(), as_bytes("damage"), 50'000'000, "large");
    pwrite_all(fd.get(), as_bytes("damage"), 90'000'000, "large");
  }
  fs::remove(live() / "contents/large");
  fs::rename(live() / "modes/empty", live() / "modes/renamed");
  const auto damaged = describe(live());
  const RestoreResult result = make_copy();
  EXPECT_GT(result.bytes_written, 3U << 20U);
  EXPECT_LT(result.bytes_written, 16U << 20U);
  const auto replacing = replacement();
  EXPECT_EQ(testing::tree_difference(before, describe(replacing->copy().path)), "");
  EXPECT_EQ(testing::tree_difference(damaged, describe(live())), "");
  replacing->cut_over(kWaitMs);
  EXPECT_EQ(testing::tree_difference(before, describe(live())), "");
  replacing->swap_back(kWaitMs);
  EXPECT_EQ(testing::tree_difference(damaged, describe(live())), "");
}

}  // namespace
}  // namespace salvor::recovery
