#include "stores/marker.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>

#include "base/error.h"
#include "base/fd.h"
#include "stores/files/files.h"
#include "stores/sqlite/internal/test_database.h"
#include "stores/sqlite/sqlite.h"

namespace salvor::stores {
namespace {

const Marker kOne{"shop", "media", "0123", "2026-01-02T03:04:05.000000Z", "abcd"};
const Marker kTwo{"shop", "media", "4567", "2026-01-02T03:04:06.000000Z", "ef01"};

class FilesMarkerTest : public ::testing::Test {
 protected:
  std::filesystem::path root() const { return directory_.path(); }
  std::filesystem::path file() const { return root() / ".salvor-canary"; }

  const TemporaryDirectory directory_{"/tmp"};
};

TEST_F(FilesMarkerTest, IsFoundAndReplaced) {
  EXPECT_EQ(read_files_marker(root()), std::nullopt);
  plant_files_marker(root(), kOne);
  EXPECT_EQ(read_files_marker(root()), kOne);
  plant_files_marker(root(), kTwo);
  EXPECT_EQ(read_files_marker(root()), kTwo);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(root()), {}), 1);
}

TEST_F(FilesMarkerTest, NeverFollowsALinkAndNeverWaits) {
  std::ofstream(root() / "precious") << "content";
  std::filesystem::create_symlink("precious", file());
  EXPECT_EQ(read_files_marker(root()), Marker());
  plant_files_marker(root(), kOne);
  EXPECT_EQ(read_files_marker(root()), kOne);
  EXPECT_EQ(as_text(read_file(root() / "precious", 100)), "content");
  std::filesystem::remove(file());
  ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
  EXPECT_EQ(read_files_marker(root()), Marker());
}

TEST_F(FilesMarkerTest, WhatNoBackupWroteIsNoMarker) {
  for (const std::string& text : {std::string(), std::string("\n\n"), std::string("service shop"),
                                  std::string("store media\n"), std::string(100'000, 'x')}) {
    std::ofstream(file(), std::ios::trunc) << text;
    const auto marker = read_files_marker(root());
    ASSERT_TRUE(marker);
    EXPECT_EQ(marker->nonce + marker->signature, "") << text.substr(0, 20);
  }
}

TEST_F(FilesMarkerTest, ADirectoryInTheWayIsAnErrorAndLeavesNothing) {
  std::filesystem::create_directories(file() / "x");
  EXPECT_THROW(plant_files_marker(root(), kOne), Error);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(root()), {}), 1);
}

class SqliteMarkerTest : public ::testing::Test {
 protected:
  SqliteMarkerTest() { sqlite::run_sql(path_, "CREATE TABLE t (a)"); }

  std::string nonces() {
    return sqlite::run_sql(path_, "SELECT group_concat(nonce) FROM salvor_canary");
  }

  const TemporaryDirectory directory_{"/tmp"};
  const std::filesystem::path path_ = directory_.path() / "a.db";
};

TEST_F(SqliteMarkerTest, IsOneRowThatIsReplaced) {
  plant_sqlite_marker(path_, kOne, 0);
  EXPECT_EQ(nonces(), "0123");
  plant_sqlite_marker(path_, kTwo, 0);
  EXPECT_EQ(nonces(), "4567");
}

TEST_F(SqliteMarkerTest, ALockedDatabaseIsAConflictAndStaysAsItWas) {
  sqlite::TestDatabase writer(path_);
  writer.run("BEGIN IMMEDIATE");
  try {
    plant_sqlite_marker(path_, kOne, 50);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict) << error.message();
  }
  writer.run("COMMIT");
  EXPECT_EQ(writer.run("SELECT count(*) FROM sqlite_master WHERE name = 'salvor_canary'"), "0");
}

TEST_F(SqliteMarkerTest, MakesNoDatabase) {
  const std::filesystem::path absent = directory_.path() / "absent.db";
  EXPECT_THROW(plant_sqlite_marker(absent, kOne, 0), Error);
  EXPECT_FALSE(std::filesystem::exists(absent));
}

}  // namespace
}  // namespace salvor::stores
