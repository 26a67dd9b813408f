#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/fd.h"
#include "config/config.h"

namespace salvor::config {
namespace {

namespace fs = std::filesystem;

/// Tables of stores under [service.s] and [service.other], with paths below a directory of its own.
class ConfigOverlapTest : public ::testing::Test {
 protected:
  ConfigOverlapTest() {
    fs::create_directories(root() / "data" / "media");
    std::ofstream(root() / "data" / "app.db") << "";
  }

  fs::path root() const { return directory_.path(); }

  static std::string files(const std::string& name, const std::string& path,
                           const std::string& more = "") {
    return "[service." + name + "]\ntype = \"files\"\npath = \"" + path + "\"\n" + more + "\n";
  }

  static std::string sqlite(const std::string& name, const std::string& path) {
    return "[service." + name + "]\ntype = \"sqlite\"\npath = \"" + path + "\"\n";
  }

  /// The error of service s; empty: none.
  std::optional<Error> error_of(const std::string& stores) const {
    const Config config = parse_config_text(
        "state_dir = \"state\"\n[repository]\nurl = \"repo\"\nkey_file = \"key\"\n" + stores,
        "f.toml", root());
    try {
      check_overlaps(config, config.service("s"));
    } catch (const Error& error) {
      return error;
    }
    return std::nullopt;
  }

  void expect_refused(const std::string& stores, const std::string& text) const {
    const std::optional<Error> error = error_of(stores);
    ASSERT_TRUE(error) << stores;
    EXPECT_EQ(error->code(), ErrorCode::configuration);
    EXPECT_NE((error->message() + "\n" + error->hint()).find(text), std::string::npos)
        << error->message() << "\n"
        << error->hint();
  }

  TemporaryDirectory directory_{"/tmp"};
};

TEST_F(ConfigOverlapTest, ADatabaseInATreeOfFilesIsRefusedInEitherOrder) {
  const std::string tree = files("s.store.files", "data");
  const std::string database = sqlite("s.store.db", "data/app.db");
  const std::string line = "write exclude = ['/app.db', '/app.db-*'] in [service.s.store.files]";
  expect_refused(tree + database, line);
  expect_refused(database + tree, line);
  expect_refused(tree + database, "store db of service s lies inside store files of service s");
}

TEST_F(ConfigOverlapTest, TheTreeMustLeaveTheDatabaseAndItsCompanionsOut) {
  const std::string database = sqlite("s.store.db", "data/app.db");
  const auto with = [&](const std::string& patterns) {
    return files("s.store.files", "data", "exclude = [" + patterns + "]") + database;
  };
  for (const char* patterns : {"'app.db*'", "'/app.db', '/app.db-*'", "'*.db*'"}) {
    EXPECT_FALSE(error_of(with(patterns))) << patterns;
  }
  for (const char* patterns : {"'app.db'", "'app.db-*'", "'app.db', 'app.db-wal'", "'other'"}) {
    expect_refused(with(patterns), "'/app.db', '/app.db-*'] in [service.s.store.files]");
  }
  expect_refused(with("'*.tmp'"), "exclude = ['*.tmp', '/app.db', '/app.db-*']");
}

TEST_F(ConfigOverlapTest, NestedAndDoubledTreesAreRefused) {
  const std::string outer = files("s.store.outer", "data");
  const std::string inner = files("s.store.inner", "data/media");
  expect_refused(outer + inner, "exclude = ['/media/'] in [service.s.store.outer]");
  expect_refused(inner + outer, "exclude = ['/media/'] in [service.s.store.outer]");
  EXPECT_FALSE(error_of(files("s.store.outer", "data", "exclude = ['/media/']") + inner));
  expect_refused(outer + files("s.store.twice", "data"), "protect the same place");
  expect_refused(
      files("s.store.outer", "data", "exclude = ['**']") + files("s.store.twice", "data/./"),
      "protect the same place");
  expect_refused(sqlite("s.store.db", "data/app.db") + sqlite("s.store.twice", "data/app.db"),
                 "protect the same place");
}

TEST_F(ConfigOverlapTest, LinksAndDotsAndHardLinksAreSeenThrough) {
  fs::create_directory_symlink(root() / "data", root() / "link");
  fs::create_symlink(root() / "data" / "app.db", root() / "linked.db");
  fs::create_hard_link(root() / "data" / "app.db", root() / "hard.db");
  const std::string tree = files("s.store.files", "data");
  expect_refused(tree + sqlite("s.store.db", "link/app.db"), "'/app.db', '/app.db-*'");
  expect_refused(tree + sqlite("s.store.db", "linked.db"), "'/app.db', '/app.db-*'");
  expect_refused(tree + sqlite("s.store.db", "x/../data/app.db"), "'/app.db', '/app.db-*'");
  expect_refused(files("s.store.files", "link") + sqlite("s.store.db", "data/app.db"),
                 "'/app.db', '/app.db-*'");
  expect_refused(sqlite("s.store.db", "data/app.db") + sqlite("s.store.other", "hard.db"),
                 "protect the same place");
}

TEST_F(ConfigOverlapTest, ALinkThatATreeHoldsIsPartOfTheStoreThatItNames) {
  std::ofstream(root() / "away.db") << "";
  fs::create_symlink(root() / "away.db", root() / "data" / "current.db");
  const std::string tree = files("s.store.files", "data");
  expect_refused(tree + sqlite("s.store.db", "data/current.db"), "'/current.db'");
  EXPECT_FALSE(error_of(tree + sqlite("s.store.db", "away.db")));
}

TEST_F(ConfigOverlapTest, StoresOfTwoServicesAreKeptApartToo) {
  const std::string mine = sqlite("s.store.db", "data/app.db");
  expect_refused(mine + files("other.store.files", "data"),
                 "store db of service s lies inside store files of service other");
  const std::string others =
      files("other.store.files", "data") + sqlite("other.store.db", "data/app.db");
  EXPECT_FALSE(error_of(others + files("s.store.files", "elsewhere")))
      << "what two others share does not keep this one from its backup";
}

TEST_F(ConfigOverlapTest, NamesThatBeginAlikeAreApart) {
  EXPECT_FALSE(error_of(files("s.store.files", "data") + files("s.store.more", "data2") +
                        sqlite("s.store.db", "data.db")));
  EXPECT_FALSE(error_of(files("s.store.a", "absent") + files("s.store.b", "absent2")));
  expect_refused(files("s.store.a", "absent") + files("s.store.b", "absent/within"),
                 "exclude = ['/within/']");
}

}  // namespace
}  // namespace salvor::config
