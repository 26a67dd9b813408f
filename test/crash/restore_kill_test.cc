// A restore in place, killed at every place where it can be: gone on with, it ends as if it had not
// been; taken back, everything is as before.

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/subprocess.h"
#include "control/control.h"
#include "control/internal/choose_point.h"
#include "control/internal/make_plan.h"
#include "control/internal/opened.h"
#include "control/internal/store_access.h"
#include "scratch.h"

namespace salvor {
namespace {

namespace fs = std::filesystem;
using testing::describe_tree;
using testing::TreeDescription;

void shell(const std::string& command) {
  const SubprocessResult result = run({.argv = {"/bin/sh", "-ec", command}});
  ASSERT_TRUE(result.succeeded()) << command << ": " << as_text(result.error_output);
}

/// A shop in a directory: a database, uploads, a flag for maintenance, a repository, all of it to
/// be copied whole.
class Shop {
 public:
  explicit Shop(fs::path root) : root_(std::move(root)) {}

  const fs::path& root() const { return root_; }
  fs::path live() const { return root_ / "srv"; }

  /// `host`: the state directory and the stores' configuration of another host.
  control::Config config(bool other_host = false) const {
    std::string text = "[repository]\nurl = \"repository\"\nkey_file = \"key\"\n";
    text = (other_host ? "state_dir = \"other-state\"\n" : "state_dir = \"state\"\n") + text;
    if (!other_host) text += kService;
    return control::parse_config_text(text, (root_ / "salvor.toml").native(), root_);
  }

  static constexpr const char* kService = R"toml(
[service.shop.store.db]
type = "sqlite"
path = "srv/shop.db"
[service.shop.store.media]
type = "files"
path = "srv/media"
exclude = ["cache"]
[service.shop.writes]
lock = "touch srv/maintenance"
unlock = "rm -f srv/maintenance"
locked = "test -e srv/maintenance"
[service.shop.migrate]
run = "sqlite3 \"$SALVOR_STORE_DB\" 'CREATE TABLE IF NOT EXISTS migrated (n)'"
[[service.shop.rebuild]]
name = "thumbnails"
run = "for f in \"$SALVOR_STORE_MEDIA\"/thumbs/*; do echo rebuilt > \"$f\"; done"
[[service.shop.check]]
name = "customers"
store = "db"
sql = "SELECT count(*) = 200 FROM customers"
[service.shop.return]
run = "echo returned >> returned"
)toml";

  void build() const {
    shell("mkdir -p '" + live().native() + "/media/thumbs' '" + live().native() +
          "/media/cache'; cd '" + live().native() +
          "'; sqlite3 shop.db 'CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);"
          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
          "INSERT INTO customers SELECT i, hex(randomblob(100)) FROM n';"
          "for i in 1 2 3 4 5 6 7 8; do head -c ${i}0000 /dev/urandom > media/upload-$i; "
          "echo thumb > media/thumbs/$i; done; ln -s upload-1 media/newest; "
          "echo warm > media/cache/page");
    control::Config made = config();
    control::init(made, {});
    control::take_backup(made, {}, {});
  }

  void damage() const {
    shell("cd '" + live().native() +
          "'; sqlite3 shop.db 'DELETE FROM customers WHERE id > 100'; rm media/upload-3; "
          "echo garbage > media/upload-4; echo new > media/upload-9; echo hot > media/cache/page");
  }

 private:
  fs::path root_;
};

enum class End { resumed, undone };

/// What one process does with the shop: a restore, or going on with one. `kill_at`: the place at
/// which it dies; beyond the last, it ends.
recovery::RunOutcome carry_out(const Shop& shop, const std::string& run, std::size_t kill_at,
                               std::size_t& places) {
  const control::Config config = shop.config();
  const auto opened = control::internal::open_repository(config, repo::Access::write, {});
  std::size_t place = 0;
  const auto reach = [&](std::string_view) {
    if (place++ == kill_at) ::kill(::getpid(), SIGKILL);
  };
  const auto access = control::internal::make_store_access(config, {.before_step = reach});
  const repo::Point& point = control::internal::choose_point(*opened.repository, "shop", "latest");
  recovery::Plan plan = control::internal::make_plan(config, config.service("shop"), point, {});
  plan.run = run;
  recovery::ExecuteOptions options;
  options.kill_point = reach;
  auto outcome = recovery::execute(*opened.repository, *access, plan, options);
  places = place;
  return outcome;
}

class RestoreKillTest : public ::testing::Test {
 protected:
  void SetUp() override {
    template_.build();
    template_.damage();
    damaged_ = describe_tree(template_.live());
    const Shop whole = copy("whole");
    std::size_t places = 0;
    const auto outcome = carry_out(whole, kRun, SIZE_MAX, places);
    ASSERT_EQ(outcome.state, "succeeded") << (outcome.failure ? outcome.failure->what() : "");
    places_ = places;
    restored_ = visible(whole);
  }

  Shop copy(const std::string& name) const {
    const fs::path to = scratch_.path() / name;
    shell("cp -a '" + template_.root().native() + "' '" + to.native() + "'");
    return Shop(to);
  }

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

  static std::string sql(const Shop& shop, const std::string& statement) {
    const SubprocessResult result =
        run({.argv = {"sqlite3", (shop.live() / "shop.db").native(), statement}});
    return std::string(as_text(result.output)) + std::string(as_text(result.error_output));
  }

  void kill_at(const Shop& shop, std::size_t place) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      std::size_t ignored = 0;
      carry_out(shop, kRun, place, ignored);
      std::_Exit(7);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "place " << place << " of " << places_;
  }

  static void expect_restored(const Shop& shop, const TreeDescription& restored) {
    EXPECT_EQ(testing::tree_difference(restored, visible(shop)), "");
    EXPECT_EQ(sql(shop, "SELECT count(*) FROM customers"), "200\n");
    EXPECT_EQ(sql(shop, "PRAGMA integrity_check"), "ok\n");
    EXPECT_EQ(sql(shop, "SELECT count(*) FROM migrated"), "0\n");
    EXPECT_FALSE(fs::exists(shop.live() / "maintenance"));
  }

  void expect_as_before(const Shop& shop) const {
    TreeDescription found = describe_tree(shop.live());
    TreeDescription expected = damaged_;
    // Making and removing a workplace changes the time of the directory that it was in.
    found.erase(".");
    expected.erase(".");
    EXPECT_EQ(testing::tree_difference(expected, found), "");
  }

  static constexpr const char* kRun = "20261124t000000-00000001";
  TemporaryDirectory scratch_{fs::temp_directory_path()};
  Shop template_{scratch_.path() / "template"};
  TreeDescription damaged_;
  TreeDescription restored_;
  std::size_t places_ = 0;
};

control::ContinueRequest of(const std::string& run) {
  control::ContinueRequest request;
  request.run = run;
  return request;
}

TEST_F(RestoreKillTest, KilledAnywhereItCanBeGoneOnWith) {
  for (std::size_t place = 0; place < places_; ++place) {
    SCOPED_TRACE("killed at place " + std::to_string(place));
    const Shop shop = copy("killed");
    kill_at(shop, place);
    // Every third time the catalog is lost, every third time another host goes on.
    if (place % 3 == 1) fs::remove_all(shop.root() / "state");
    try {
      const auto report = control::resume_restore(shop.config(place % 3 == 2), of(kRun), {});
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
    const auto report = control::undo_restore(shop.config(place % 3 == 2), of(kRun), {});
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
  std::size_t places = 0;
  carry_out(shop, kRun, SIZE_MAX, places);
  const auto report = control::resume_restore(shop.config(), of(kRun), {});
  EXPECT_FALSE(report.outcome.acted);
  std::ifstream returned(shop.root() / "returned");
  std::string lines((std::istreambuf_iterator<char>(returned)), {});
  EXPECT_EQ(lines, "returned\n");
}

}  // namespace
}  // namespace salvor
