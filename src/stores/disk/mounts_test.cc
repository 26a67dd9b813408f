// Stores that are mount points, or have mount points in them, written over in place.

#include "stores/disk/mounts.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "base/fd.h"
#include "stores/disk/tree.h"
#include "stores/files/files.h"
#include "stores/sqlite/internal/test_database.h"
#include "testing/store_copy.h"

namespace salvor::stores::disk {
namespace {

namespace fs = std::filesystem;

/// Writes the snapshot over what is live, where a file system of its own is mounted at `mounted`.
/// Yields 0; 6 when that is refused; 77 where mounting is not permitted.
class MountedStoreTest : public ::testing::Test {
 protected:
  MountedStoreTest() : home_("/tmp", "salvor-files-mounted-") { fs::create_directory(live()); }

  fs::path live() const { return home_.path() / "live"; }

  testing::Taken take() const {
    TreeSourceOptions options;
    options.root = live();
    options.exclude = exclude;
    return testing::take_all(*make_tree_source(std::move(options)));
  }

  static void put(const fs::path& path, std::string_view content) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }
  static std::string content_of(const fs::path& path) {
    return std::string(as_text(read_file(path, 1 << 20U)));
  }

  int write_over(const testing::Taken& taken, const fs::path& mounted,
                 const std::function<void()>& prepare, const std::function<bool()>& is_right) {
    sqlite::Child child([&](const auto&, const auto&) {
      if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          mount("none", mounted.c_str(), "tmpfs", 0, nullptr) != 0) {
        _exit(77);
      }
      try {
        prepare();
        FilesTargetOptions options;
        options.root = live();
        options.exclude = exclude;
        options.one_file_system = one_file_system;
        make_files_target(std::move(options))->over()->try_write_over();
        const auto sink = make_tree_sink({.target = live(),
                                          .delta = true,
                                          .is_live = true,
                                          .exclude = exclude,
                                          .one_file_system = one_file_system});
        testing::put_all(taken, *sink, true);
        _exit(is_right() ? 0 : 1);
      } catch (const Error& error) {
        _exit(error.code() == ErrorCode::refused ? 6 : 2);
      }
    });
    return child.wait();
  }

  std::vector<std::string> exclude;
  bool one_file_system = false;
  const TemporaryDirectory home_;
};

TEST_F(MountedStoreTest, WhatIsInTheWayStaysWithinAMountPoint) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can mount";
  put(live() / "file", "first");
  const testing::Taken taken = take();
  const auto holders = [this] {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(live())) {
      if (entry.path().filename().native().starts_with(".salvor-aside-")) found.push_back(entry);
    }
    return found;
  };
  const auto prepare = [&] {
    put(live() / "added/deep", "kept");
    put(live() / ".salvor-123", "of a killed restore");
    fs::create_directory(live() / "file");
  };
  const int exit_status = write_over(taken, live(), prepare, [&] {
    const auto asides = holders();
    // What was moved aside is no part of the store.
    std::vector<std::string> seen;
    for (const auto& thing : take().things) seen.push_back(path_of_key(thing.key));
    return content_of(live() / "file") == "first" && asides.size() == 1 &&
           content_of(asides[0] / "added/deep") == "kept" &&
           content_of(asides[0] / ".salvor-123") == "of a killed restore" &&
           fs::is_directory(asides[0] / "file") && seen == std::vector<std::string>{"", "file"};
  });
  if (exit_status == 77) GTEST_SKIP() << "mounting is not permitted here";
  EXPECT_EQ(exit_status, 0);
}

TEST_F(MountedStoreTest, AFileSystemWithinTheStoreIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can mount";
  fs::create_directory(live() / "disk");
  const testing::Taken taken = take();
  const auto prepare = [&] { put(live() / "disk/file", "its own"); };
  const auto is_right = [&] { return content_of(live() / "disk/file") == "its own"; };
  const int exit_status = write_over(taken, live() / "disk", prepare, is_right);
  if (exit_status == 77) GTEST_SKIP() << "mounting is not permitted here";
  EXPECT_EQ(exit_status, 6);
  // Where it is no part of the store, it stays as it is.
  one_file_system = true;
  EXPECT_EQ(write_over(taken, live() / "disk", prepare, is_right), 0);
  one_file_system = false;
  exclude = {"disk/"};
  EXPECT_EQ(write_over(taken, live() / "disk", prepare, is_right), 0);
}

TEST_F(MountedStoreTest, ADirectoryWithAFileSystemInItIsNotMovedAside) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can mount";
  const testing::Taken taken = take();
  fs::create_directories(live() / "not in the point/disk");
  one_file_system = true;
  const fs::path mounted = live() / "not in the point/disk";
  const auto prepare = [&] { put(mounted / "file", "its own"); };
  const int exit_status = write_over(taken, mounted, prepare,
                                     [&] { return content_of(mounted / "file") == "its own"; });
  if (exit_status == 77) GTEST_SKIP() << "mounting is not permitted here";
  EXPECT_EQ(exit_status, 0);
}

}  // namespace
}  // namespace salvor::stores::disk
