// A restore in place whose commands, disk or repository fail: what fails before anything is
// replaced leaves nothing touched; what fails later can be gone on with, or taken back, once it is
// mended.

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/error.h"
#include "base/fd.h"
#include "disks.h"
#include "service/hooks.h"
#include "shop.h"

namespace salvor {
namespace {

namespace fs = std::filesystem;
using testing::continue_run;
using testing::describe_tree;
using testing::restore_shop;
using testing::shell;
using testing::Shop;
using testing::ShopCommands;
using testing::SmallDisk;
using testing::TreeDescription;

/// Commands that do first what `broken/<name>` says, which a test may write and remove.
ShopCommands breakable() {
  ShopCommands commands;
  commands.needed = R"sh(test -z "$(sqlite3 "$SALVOR_STORE_DB" "SELECT 1 FROM sqlite_master )sh"
                    R"sh(WHERE name = 'migrated'")")sh";
  commands.check = "true";
  const auto breakable = [](std::string& command, const std::string& name) {
    command.insert(0, "if test -e broken/" + name + "; then . ./broken/" + name + "; fi; ");
  };
  breakable(commands.lock, "lock");
  breakable(commands.unlock, "unlock");
  breakable(commands.locked, "locked");
  breakable(commands.needed, "needed");
  breakable(commands.migrate, "migrate");
  breakable(commands.rebuild, "rebuild");
  breakable(commands.check, "check");
  breakable(commands.return_to_service, "return");
  commands.timeout = "3s";
  return commands;
}

constexpr const char* kFails = "echo out of order >&2; exit 3";
constexpr const char* kHangs = "sleep 60";
constexpr const char* kDoesNothing = "exit 0";

enum class Left { nothing, before_undo, before_cut_over, after_cut_over };

struct Failure {
  std::string command;
  std::string how;
  ErrorCode code = ErrorCode::failed;
  Left left = Left::nothing;
};

class RestoreFailingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    template_.build();
    template_.damage();
    fs::create_directory(template_.root() / "broken");
    damaged_ = seen(template_);
  }

  Shop copy(const std::string& name = "shop") const {
    fs::remove_all(scratch_.path() / name);
    return template_.copied_to(scratch_.path() / name, breakable());
  }

  static void break_command(const Shop& shop, const Failure& failure) {
    std::ofstream(shop.root() / "broken" / failure.command) << failure.how << '\n';
  }
  static void mend(const Shop& shop) {
    for (const auto& file : fs::directory_iterator(shop.root() / "broken")) fs::remove(file);
  }

  /// What the service's users see of it. Not: how many links a file has, which a workplace changes.
  static TreeDescription seen(const Shop& shop) {
    TreeDescription found = describe_tree(shop.live() / "media");
    for (auto& [path, line] : found) {
      const std::size_t at = line.find(" links ");
      if (at != std::string::npos) line.erase(at, line.find(' ', at + 7) - at);
    }
    found["the database"] = shop.sql("SELECT count(*), sum(id) FROM customers");
    return found;
  }

  void expect_old_data(const Shop& shop) const {
    EXPECT_EQ(testing::tree_difference(damaged_, seen(shop)), "");
  }

  /// Nothing is left of the run, and the next one can begin.
  void expect_untouched(const Shop& shop) const {
    expect_old_data(shop);
    EXPECT_FALSE(fs::exists(shop.live() / "maintenance"));
    for (const auto& entry : fs::directory_iterator(shop.live())) {
      EXPECT_FALSE(entry.path().filename().native().starts_with(".salvor-")) << entry.path();
    }
    control::PlanRequest request;
    request.service = "shop";
    EXPECT_EQ(control::plan_restore(shop.config(), request, {}).open_restore, std::nullopt);
  }

  static void expect_restored(const Shop& shop) {
    EXPECT_EQ(shop.sql("SELECT count(*) FROM customers"), "200\n");
    EXPECT_TRUE(fs::exists(shop.live() / "media" / "upload-3"));
    EXPECT_FALSE(fs::exists(shop.live() / "media" / "upload-9"));
    EXPECT_FALSE(fs::exists(shop.live() / "maintenance"));
  }

  void expect_left(const Shop& shop, Left left) const {
    if (left == Left::nothing) return expect_untouched(shop);
    if (left == Left::before_undo) return;
    if (left == Left::before_cut_over) return expect_old_data(shop);
    EXPECT_EQ(shop.sql("SELECT count(*) FROM customers"), "200\n");
  }

  static void expect_resumed(const Shop& shop) {
    const auto resumed = control::resume_restore(shop.config(), continue_run(), {}).outcome;
    EXPECT_EQ(resumed.state, catalog::RunState::succeeded)
        << (resumed.failure ? resumed.failure->what() : "");
    expect_restored(shop);
  }

  void expect_undone(const Shop& shop) const {
    const auto undone = control::undo_restore(shop.config(), continue_run(), {}).outcome;
    EXPECT_EQ(undone.state, catalog::RunState::undone)
        << (undone.failure ? undone.failure->what() : "");
    for (const std::string& kept : undone.kept) fs::remove_all(kept);
    expect_untouched(shop);
  }

  /// Gone on with, or taken back.
  void expect_ends(const Shop& shop, bool resumes) const {
    SCOPED_TRACE(resumes ? "resumed" : "undone");
    if (resumes) {
      expect_resumed(shop);
    } else {
      expect_undone(shop);
    }
  }

  void expect_failure(const Failure& failure) const {
    SCOPED_TRACE(failure.command + ": " + failure.how);
    for (const bool resumes : {true, false}) {
      const Shop shop = copy();
      break_command(shop, failure);
      const auto outcome = restore_shop(shop);
      ASSERT_TRUE(outcome.failure) << name_of(outcome.state);
      EXPECT_EQ(outcome.state, catalog::RunState::failed);
      EXPECT_EQ(outcome.failure->code(), failure.code) << outcome.failure->what();
      expect_left(shop, failure.left);
      if (failure.left == Left::nothing) return;
      if (failure.how == kFails) {
        // What is still broken fails again, and makes nothing worse.
        const auto again = control::resume_restore(shop.config(), continue_run(), {}).outcome;
        EXPECT_EQ(again.state, catalog::RunState::failed);
        expect_left(shop, failure.left);
      }
      mend(shop);
      expect_ends(shop, resumes);
      // Each of those that hang takes its time.
      if (failure.how == kHangs) return;
    }
  }

  /// Restores, and is killed at a place.
  static void kill_at(const Shop& shop, const std::string& where) {
    testing::ShopRestore restore;
    restore.reach = [&](std::string_view place) {
      if (place == where) ::kill(::getpid(), SIGKILL);
    };
    testing::Child child([&] { restore_shop(shop, restore); });
    ASSERT_EQ(child.wait(), -SIGKILL);
  }

  TemporaryDirectory scratch_{testing::fast_directory()};
  Shop template_{scratch_.path() / "template", breakable()};
  TreeDescription damaged_;
};

TEST_F(RestoreFailingTest, CommandsThatFail) {
  expect_failure({"lock", kFails, ErrorCode::failed, Left::nothing});
  expect_failure({"locked", kFails, ErrorCode::refused, Left::nothing});
  expect_failure({"unlock", kFails, ErrorCode::failed, Left::after_cut_over});
  expect_failure({"migrate", kFails, ErrorCode::failed, Left::before_cut_over});
  expect_failure({"rebuild", kFails, ErrorCode::failed, Left::before_cut_over});
  expect_failure({"check", kFails, ErrorCode::checks_failed, Left::before_cut_over});
  expect_failure({"return", kFails, ErrorCode::failed, Left::after_cut_over});
}

/// What is written through a file that the live store shares is no part of the copy alone.
constexpr const char* kScribbles =
    R"(for f in "$SALVOR_STORE_MEDIA"/upload-*; do echo scribbled > "$f"; done; )";

TEST_F(RestoreFailingTest, CommandsThatWriteAndThenFail) {
  const std::string fails = std::string(kScribbles) + kFails;
  const std::string hangs = std::string(kScribbles) + kHangs;
  expect_failure({"needed", hangs, ErrorCode::failed, Left::before_undo});
  expect_failure({"migrate", fails, ErrorCode::failed, Left::before_cut_over});
  expect_failure({"rebuild", hangs, ErrorCode::failed, Left::before_cut_over});
  expect_failure({"check", fails, ErrorCode::checks_failed, Left::before_cut_over});
}

TEST_F(RestoreFailingTest, ACommandThatWritesWhileTheRestoreIsKilled) {
  for (const char* command : {"migrate", "rebuild", "check"}) {
    SCOPED_TRACE(command);
    const Shop shop = copy();
    break_command(shop, {command, std::string(kScribbles) + "kill -9 $(cat pid)"});
    testing::Child child([&] {
      std::ofstream(shop.root() / "pid") << ::getpid() << '\n';
      restore_shop(shop);
    });
    ASSERT_EQ(child.wait(), -SIGKILL);
    // The command outlives who began it, for a moment.
    while (service::running_hook(testing::kShopRun)) usleep(1000);
    mend(shop);
    expect_undone(shop);
  }
}

TEST_F(RestoreFailingTest, WhatCanNotBeTakenUpTakesNothingBack) {
  for (const bool resumes : {true, false}) {
    const Shop shop = copy();
    break_command(shop, {"check", kFails});
    ASSERT_EQ(restore_shop(shop).state, catalog::RunState::failed);
    break_command(shop, {"lock", kFails});
    const auto outcome = control::resume_restore(shop.config(), continue_run(), {}).outcome;
    ASSERT_TRUE(outcome.failure);
    EXPECT_EQ(outcome.state, catalog::RunState::failed);
    EXPECT_EQ(outcome.failure->code(), ErrorCode::failed) << outcome.failure->what();
    EXPECT_TRUE(fs::exists(shop.live() / "maintenance"));
    EXPECT_TRUE(fs::exists(shop.live() / (".salvor-" + std::string(testing::kShopRun) + "-media")));
    expect_old_data(shop);
    mend(shop);
    expect_ends(shop, resumes);
  }
}

/// The service writes in place once the locks of a killed restore have gone.
TEST_F(RestoreFailingTest, AServiceThatWritesAfterAKillIsNoticed) {
  const Shop shop = copy();
  kill_at(shop, "verify-copy:done");
  shell("echo service >> '" + shop.live().native() + "/media/upload-1'");
  const TreeDescription written = seen(shop);
  const auto outcome = control::resume_restore(shop.config(), continue_run(), {}).outcome;
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->code(), ErrorCode::conflict) << outcome.failure->what();
  EXPECT_EQ(testing::tree_difference(written, seen(shop)), "");
  const auto undone = control::undo_restore(shop.config(), continue_run(), {}).outcome;
  EXPECT_EQ(undone.state, catalog::RunState::undone);
  EXPECT_EQ(testing::tree_difference(written, seen(shop)), "");
}

TEST_F(RestoreFailingTest, WhatAServiceWritesWhileACommandWasKilledIsKept) {
  const Shop shop = copy();
  kill_at(shop, "validate:began");
  shell("echo service >> '" + shop.live().native() + "/media/upload-1'");
  const auto undone = control::undo_restore(shop.config(), continue_run(), {}).outcome;
  EXPECT_EQ(undone.state, catalog::RunState::undone)
      << (undone.failure ? undone.failure->what() : "");
  expect_old_data(shop);
  ASSERT_EQ(undone.kept.size(), 1U);
  shell("test \"$(tail -c 8 '" + undone.kept.front() + "/new/upload-1')\" = service");
  control::close_restore(shop.config(), continue_run(), {});
  expect_untouched(shop);
}

TEST_F(RestoreFailingTest, AWorkplaceThatSomebodyHasRemovedKeepsNobodyOut) {
  const Shop shop = copy();
  break_command(shop, {"check", kFails});
  ASSERT_EQ(restore_shop(shop).state, catalog::RunState::failed);
  shell("rm -r '" + shop.live().native() + "'/.salvor-*");
  mend(shop);
  // It may as well be on a volume that is not mounted.
  try {
    control::undo_restore(shop.config(), continue_run(), {});
    ADD_FAILURE() << "the undo did not miss the workplaces";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::refused) << error.what();
  }
  control::abandon_restore(shop.config(), continue_run(), {});
  control::InPlaceRequest again;
  again.plan.service = "shop";
  again.confirm = "shop";
  EXPECT_EQ(control::restore_in_place(shop.config(), again, {}).outcome.state,
            catalog::RunState::succeeded);
}

TEST_F(RestoreFailingTest, WhatWasWrittenToACopyThatWasLiveIsKept) {
  const Shop shop = copy();
  kill_at(shop, "cut-over:done");
  // The locks of the stores have gone with the process.
  shell(
      "cd '" + shop.live().native() +
      "'; echo late > media/late; sqlite3 shop.db \"INSERT INTO customers VALUES (999, 'late')\"");
  const auto undone = control::undo_restore(shop.config(), continue_run(), {}).outcome;
  ASSERT_EQ(undone.state, catalog::RunState::undone)
      << (undone.failure ? undone.failure->what() : "");
  expect_old_data(shop);
  ASSERT_EQ(undone.kept.size(), 2U);
  shell("cd '" + shop.live().native() +
        "'; test \"$(cat .salvor-*-media/new/late)\" = late; "
        "test \"$(sqlite3 .salvor-*-db/new/shop.db "
        "'SELECT name FROM customers WHERE id = 999')\" = late");
  control::close_restore(shop.config(), continue_run(), {});
  expect_untouched(shop);
}

TEST_F(RestoreFailingTest, CommandsThatHang) {
  expect_failure({"lock", kHangs, ErrorCode::failed, Left::nothing});
  expect_failure({"locked", kHangs, ErrorCode::failed, Left::nothing});
  expect_failure({"unlock", kHangs, ErrorCode::failed, Left::after_cut_over});
  expect_failure({"needed", kHangs, ErrorCode::failed, Left::before_cut_over});
  expect_failure({"migrate", kHangs, ErrorCode::failed, Left::before_cut_over});
  expect_failure({"rebuild", kHangs, ErrorCode::failed, Left::before_cut_over});
  expect_failure({"check", kHangs, ErrorCode::checks_failed, Left::before_cut_over});
  expect_failure({"return", kHangs, ErrorCode::failed, Left::after_cut_over});
}

TEST_F(RestoreFailingTest, QuestionsThatNobodyAnswers) {
  constexpr const char* kNotFound = "no-such-command; exit $?";
  constexpr const char* kKilledWithin = "sh -c 'kill -9 $$'; exit $?";
  for (const char* how : {kNotFound, kKilledWithin}) {
    expect_failure({"locked", how, ErrorCode::failed, Left::nothing});
    expect_failure({"needed", how, ErrorCode::failed, Left::before_cut_over});
  }
}

TEST_F(RestoreFailingTest, CommandsThatSucceedWithoutEffect) {
  expect_failure({"lock", kDoesNothing, ErrorCode::refused, Left::nothing});
  expect_failure({"unlock", kDoesNothing, ErrorCode::failed, Left::after_cut_over});
}

TEST_F(RestoreFailingTest, AMigrationWithoutEffectIsSaid) {
  const Shop shop = copy();
  break_command(shop, {"migrate", kDoesNothing});
  const auto outcome = restore_shop(shop);
  EXPECT_EQ(outcome.state, catalog::RunState::succeeded);
  ASSERT_EQ(outcome.deviations.size(), 1U);
  EXPECT_NE(outcome.deviations.front().find("still says yes"), std::string::npos);
}

TEST_F(RestoreFailingTest, NoIsAnAnswerOfMigrateNeeded) {
  const Shop shop = copy();
  break_command(shop, {"needed", "exit 1"});
  ASSERT_EQ(restore_shop(shop).state, catalog::RunState::succeeded);
  expect_restored(shop);
  EXPECT_NE(shop.sql("SELECT count(*) FROM migrated").find("no such table"), std::string::npos);
}

TEST_F(RestoreFailingTest, AnUnlockThatFailsWhileAGuardTakesBack) {
  const Shop shop = copy();
  break_command(shop, {"unlock", kFails});
  break_command(shop, {"locked", "if test -e broken/unlock; then exit 1; fi"});
  const auto outcome = restore_shop(shop);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->code(), ErrorCode::refused);
  EXPECT_TRUE(fs::exists(shop.live() / "maintenance"));
  mend(shop);
  expect_undone(shop);
}

/// A restore in place is for wrecks: the safety snapshot keeps what is there as bytes.
TEST_F(RestoreFailingTest, ADatabaseThatIsNone) {
  for (const bool safety_snapshot : {true, false}) {
    const Shop shop = copy();
    shell("cd '" + shop.live().native() + "'; echo no database > shop.db");
    damaged_ = seen(shop);
    testing::ShopRestore restore;
    restore.safety_snapshot = safety_snapshot;
    const auto outcome = restore_shop(shop, restore);
    EXPECT_EQ(outcome.state, catalog::RunState::succeeded)
        << (outcome.failure ? outcome.failure->what() : "");
    EXPECT_EQ(outcome.safety_points.empty(), !safety_snapshot);
    expect_restored(shop);
    control::undo_restore(shop.config(), continue_run(), {});
    control::close_restore(shop.config(), continue_run(), {});
    expect_untouched(shop);
  }
}

TEST_F(RestoreFailingTest, ARepositoryThatGoesAwayAndComesBack) {
  for (const std::string place :
       {"preflight:began", "lock-writes:application", "lock-writes:run", "safety-snapshot:began",
        "safety-snapshot:db", "provision:db", "restore-db:began", "restore-media:began",
        "verify-copy:run", "migrate:began", "validate:run", "cut-over:began", "cut-over:db",
        "return-to-service:began", "return-to-service:application"}) {
    SCOPED_TRACE(place);
    for (const bool resumes : {true, false}) {
      const Shop shop = copy();
      bool gone = false;
      testing::ShopRestore restore;
      restore.reach = [&](std::string_view reached) { gone = gone || reached == place; };
      restore.repository_is_gone = [&] { return gone; };
      const auto outcome = restore_shop(shop, restore);
      ASSERT_TRUE(outcome.failure) << name_of(outcome.state);
      EXPECT_EQ(outcome.failure->code(), ErrorCode::unreachable) << outcome.failure->what();
      const bool guard = place.starts_with("preflight") || place.starts_with("lock") ||
                         place.starts_with("safety");
      const bool unlocked = guard || place.starts_with("return-to-service");
      EXPECT_EQ(fs::exists(shop.live() / "maintenance"), !unlocked);
      expect_ends(shop, resumes);
    }
  }
}

TEST_F(RestoreFailingTest, ADiskThatIsFullInTheMiddle) {
  constexpr std::size_t kDiskMiB = 24;
  for (const std::string place : {"lock-writes:began", "provision:db", "restore-db:began",
                                  "restore-media:began", "migrate:began", "cut-over:began"}) {
    for (const bool resumes : {true, false}) {
      SCOPED_TRACE(place + (resumes ? ", resumed" : ", undone"));
      const fs::path at = scratch_.path() / "disk";
      fs::create_directory(at);
      const SmallDisk disk(at, kDiskMiB);
      if (!disk.mounted()) GTEST_SKIP() << "not permitted to mount a file system";
      // Everything lies on it: the repository can't write either.
      const Shop shop = template_.copied_to(at / "shop", breakable());
      testing::ShopRestore restore;
      restore.reach = [&](std::string_view reached) {
        if (reached == place) disk.fill();
      };
      const auto outcome = restore_shop(shop, restore);
      ASSERT_TRUE(outcome.failure) << name_of(outcome.state);
      EXPECT_EQ(exit_status(outcome.failure->code()), 1) << outcome.failure->what();
      expect_old_data(shop);
      fs::remove(disk.filler());
      if (resumes) {
        expect_resumed(shop);
      } else {
        expect_undone(shop);
      }
    }
  }
}

TEST_F(RestoreFailingTest, TooLittleRoomIsRefused) {
  const fs::path at = scratch_.path() / "disk";
  fs::create_directory(at);
  const SmallDisk disk(at, 2);
  if (!disk.mounted()) GTEST_SKIP() << "not permitted to mount a file system";
  const Shop shop = template_.copied_to(at / "shop", breakable());
  disk.fill();
  fs::resize_file(disk.filler(), fs::file_size(disk.filler()) - (std::size_t{256} << 10U));
  const auto outcome = restore_shop(shop);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->code(), ErrorCode::refused) << outcome.failure->what();
  fs::remove(disk.filler());
  expect_untouched(shop);
}

}  // namespace
}  // namespace salvor
