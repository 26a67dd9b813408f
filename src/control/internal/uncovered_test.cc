#include "control/internal/uncovered.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/fd.h"
#include "control/service_status.h"

namespace salvor::control::internal {
namespace {

namespace fs = std::filesystem;

class UncoveredTest : public ::testing::Test {
 protected:
  UncoveredTest() : directory_("/tmp"), root_(fs::canonical(directory_.path())) {
    config_.repository.path = root_ / "shop" / "backups";
    config_.state_directory = root_ / "shop" / "state";
    service::Service shop;
    shop.name = "shop";
    shop.protect = {root_ / "shop"};
    shop.stores.push_back(
        service::make_store("db", stores::type_named("sqlite"),
                            {{"path", (root_ / "shop" / "data" / "shop.db").native()}}));
    shop.stores.push_back(service::make_store("media", stores::type_named("files"),
                                              {{"path", (root_ / "shop" / "media").native()}}));
    config_.services.push_back(shop);
    for (const char* name : {"data/shop.db", "data/shop.db-wal", "media/2026/a", "backups/x",
                             "state/catalog.sqlite"}) {
      write(name, "x");
    }
  }

  void write(const std::string& name, std::string_view content) {
    fs::create_directories((root_ / "shop" / name).parent_path());
    std::ofstream(root_ / "shop" / name) << content;
  }

  /// Relative to the shop; databases with a star.
  std::vector<std::string> found() {
    std::vector<std::string> names;
    for (const UncoveredPath& path : find_uncovered(config_, config_.services.front())) {
      names.push_back(fs::path(path.path).lexically_relative(root_ / "shop").native() +
                      (path.looks_like != nullptr ? "*" : ""));
    }
    return names;
  }

  TemporaryDirectory directory_;
  fs::path root_;
  config::Config config_;
};

TEST_F(UncoveredTest, NothingWhenAllIsInAStore) {
  EXPECT_EQ(found(), std::vector<std::string>{});
}

TEST_F(UncoveredTest, WhatDoesNotAnswerIsNotLookedAt) {
  write("other/x", "x");
  write("dead/x", "x");
  write("above/dead/x", "x");
  for (const char* name : {"dead", "above/dead"}) {
    config_.silent.push_back(
        {root_ / "shop" / name, config::SilentPath::Role::other, "a mount", "", ""});
  }
  EXPECT_EQ(found(), (std::vector<std::string>{"above", "other"}));
}

TEST_F(UncoveredTest, TheTopmostAndEveryDatabase) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  write("data/other.db", kMagic);
  write("data/notes.txt", "x");
  write("mediated/deep/er/x", "x");
  write("mediated/deep/er/y.db", kMagic);
  fs::create_directory_symlink("/etc", root_ / "shop" / "link");
  EXPECT_EQ(found(), (std::vector<std::string>{"data/notes.txt", "data/other.db*", "mediated",
                                               "mediated/deep/er/y.db*"}));
}

TEST_F(UncoveredTest, AtMostAThousand) {
  for (int i = 0; i < 1010; ++i) write("data/" + std::to_string(i), "x");
  EXPECT_EQ(found().size(), 1000U);
}

TEST_F(UncoveredTest, APathThatIsNotThere) {
  config_.services.front().protect = {root_ / "nowhere"};
  EXPECT_EQ(found(), std::vector<std::string>{});
}

}  // namespace
}  // namespace salvor::control::internal
