// A restore in place, killed at every place where it can be: gone on with, it ends as if it had not
// been; taken back, everything is as before.

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/error.h"
#include "base/fd.h"
#include "shop.h"

namespace salvor {
namespace {

namespace fs = std::filesystem;
using testing::continue_run;
using testing::describe_tree;
using testing::Shop;
using testing::TreeDescription;

/// Restores the shop, and dies at place number `kill_at`; beyond the last, it ends. Yields how many
/// places there were.
std::size_t restore_until(const Shop& shop, std::size_t kill_at) {
  std::size_t place = 0;
  testing::ShopRestore restore;
  restore.reach = [&](std::string_view) {
    if (place++ == kill_at) ::kill(::getpid(), SIGKILL);
  };
  const auto outcome = testing::restore_shop(shop, restore);
  if (outcome.failure) throw *outcome.failure;
  return place;
}

class RestoreKillTest : public ::testing::Test {
 protected:
  void SetUp() override {
    template_.build();
    template_.damage();
    damaged_ = describe_tree(template_.live());
    const Shop whole = copy("whole");
    places_ = restore_until(whole, SIZE_MAX);
    restored_ = visible(whole);
  }

  Shop copy(const std::string& name) const { return template_.copied_to(scratch_.path() / name); }

  /// All but what changes from run to run: workplaces, and times that commands make.
  static TreeDescription visible(const Shop& shop) {
    TreeDescription description;
    for (auto& [path, line] : describe_tree(shop.live())) {
      if (path.starts_with(".salvor-") || path == "." || path.starts_with("media/thumbs") ||
          path == "shop.db") {
        continue;
      }
      description[path] = line;
    }
    return description;
  }

  void kill_at(const Shop& shop, std::size_t place) {
    testing::Child child([&] { restore_until(shop, place); });
    ASSERT_EQ(child.wait(), -SIGKILL) << "place " << place << " of " << places_;
  }

  /// Nothing of the run is in the way of the next.
  static void expect_unclaimed(const Shop& shop) {
    control::PlanRequest request;
    request.service = "shop";
    EXPECT_EQ(control::plan_restore(shop.config(), request, {}).open_restore, std::nullopt);
  }

  static void expect_restored(const Shop& shop, const TreeDescription& restored) {
    EXPECT_EQ(testing::tree_difference(restored, visible(shop)), "");
    EXPECT_EQ(shop.sql("SELECT count(*) FROM customers"), "200\n");
    EXPECT_EQ(shop.sql("PRAGMA integrity_check"), "ok\n");
    EXPECT_EQ(shop.sql("SELECT count(*) FROM migrated"), "0\n");
    EXPECT_FALSE(fs::exists(shop.live() / "maintenance"));
    expect_unclaimed(shop);
  }

  void expect_as_before(const Shop& shop) const {
    TreeDescription found = describe_tree(shop.live());
    TreeDescription expected = damaged_;
    // Making and removing a workplace changes the time of the directory that it was in.
    found.erase(".");
    expected.erase(".");
    EXPECT_EQ(testing::tree_difference(expected, found), "");
    expect_unclaimed(shop);
  }

  TemporaryDirectory scratch_{testing::fast_directory()};
  Shop template_{scratch_.path() / "template"};
  TreeDescription damaged_;
  TreeDescription restored_;
  std::size_t places_ = 0;
};

TEST_F(RestoreKillTest, KilledAnywhereItCanBeGoneOnWith) {
  for (std::size_t place = 0; place < places_; ++place) {
    SCOPED_TRACE("killed at place " + std::to_string(place));
    const Shop shop = copy("killed");
    kill_at(shop, place);
    // Every third time the catalog is lost, every third time another host goes on.
    if (place % 3 == 1) fs::remove_all(shop.root() / "state");
    try {
      const auto report = control::resume_restore(shop.config(place % 3 == 2), continue_run(), {});
      EXPECT_EQ(report.outcome.state, "succeeded");
      expect_restored(shop, restored_);
    } catch (const Error& error) {
      // Before the plan was written, there was no run.
      EXPECT_EQ(error.code(), ErrorCode::not_found) << error.what();
      EXPECT_LE(place, 1U);
      expect_as_before(shop);
    }
    fs::remove_all(shop.root());
  }
}

TEST_F(RestoreKillTest, KilledAnywhereItCanBeTakenBack) {
  for (std::size_t place = 2; place < places_; ++place) {
    SCOPED_TRACE("killed at place " + std::to_string(place));
    const Shop shop = copy("killed");
    kill_at(shop, place);
    if (place % 3 == 1) fs::remove_all(shop.root() / "state");
    const auto report = control::undo_restore(shop.config(place % 3 == 2), continue_run(), {});
    EXPECT_EQ(report.outcome.state, "undone");
    if (report.outcome.kept.empty()) {
      expect_as_before(shop);
    } else {
      for (const std::string& kept : report.outcome.kept) fs::remove_all(kept);
      expect_as_before(shop);
    }
    fs::remove_all(shop.root());
  }
}

TEST_F(RestoreKillTest, WhatIsFinishedIsNotDoneTwice) {
  const Shop shop = copy("once");
  restore_until(shop, SIZE_MAX);
  const auto report = control::resume_restore(shop.config(), continue_run(), {});
  EXPECT_FALSE(report.outcome.acted);
  std::ifstream returned(shop.root() / "returned");
  std::string lines((std::istreambuf_iterator<char>(returned)), {});
  EXPECT_EQ(lines, "returned\n");
}

}  // namespace
}  // namespace salvor
