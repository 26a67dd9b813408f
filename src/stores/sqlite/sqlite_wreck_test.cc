#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <map>

#include "base/error.h"
#include "base/fd.h"
#include "stores/sqlite/internal/test_database.h"
#include "stores/sqlite/sqlite.h"

/// Databases that SQLite would read wrongly, or not at all, and what must not happen to them.
namespace salvor::stores {
namespace {

using sqlite::Child;
using sqlite::run_sql;
using sqlite::TestDatabase;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
namespace fs = std::filesystem;

constexpr const char* kHundredRows =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, text);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
    "INSERT INTO t SELECT i, hex(randomblob(100)) FROM n;";
constexpr const char* kFiftyMore =
    "WITH RECURSIVE n(i) AS (SELECT 101 UNION ALL SELECT i + 1 FROM n WHERE i < 150)"
    "INSERT INTO t SELECT i, hex(randomblob(100)) FROM n;";

class SqliteWreckTest : public testing::Test {
 protected:
  SqliteWreckTest() { fs::create_directory(database_.parent_path()); }

  std::unique_ptr<Source> only_marked() {
    auto source = make_sqlite_source(
        {.database = database_, .spool_directory = directory_.path() / "state" / "spool"});
    source->mark();
    return source;
  }

  std::unique_ptr<Source> marked() {
    auto source = only_marked();
    source->examine({});
    return source;
  }

  /// What a source yields, by name.
  static std::map<std::string, Bytes> content_of(Source& source) {
    std::map<std::string, Bytes> files;
    while (const auto item = source.next()) {
      if (item->key.empty()) continue;
      Bytes& content = files[std::string(as_text(item->key))];
      const auto reader = source.open(*item);
      Bytes buffer(65536);
      while (const std::size_t size = reader->read(buffer).data_bytes) {
        content.insert(content.end(), buffer.begin(),
                       buffer.begin() + static_cast<std::ptrdiff_t>(size));
      }
    }
    return files;
  }

  /// The files that must not change, by name.
  std::map<std::string, Bytes> files() {
    std::map<std::string, Bytes> found;
    for (const char* suffix : {"", "-journal", "-wal"}) {
      const fs::path path = database_.native() + suffix;
      if (fs::exists(path)) found[path.filename()] = read_file(path, 1 << 30);
    }
    return found;
  }

  /// A writer that was killed: in WAL mode nothing of its log is in the file.
  void leave_log() {
    Child writer([&](const auto& ready, const auto&) {
      TestDatabase database(database_);
      database.run("PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0;" +
                   std::string(kHundredRows) + kFiftyMore);
      ready();
      ::pause();
    });
    ASSERT_TRUE(writer.wait_ready());
    writer.kill();
    ASSERT_GT(fs::file_size(database_.native() + "-wal"), 0U);
  }

  /// A writer that was killed within its transaction: the file is half changed.
  void leave_journal() {
    run_sql(database_, kHundredRows);
    Child writer([&](const auto& ready, const auto&) {
      TestDatabase database(database_);
      database.run("PRAGMA cache_size = 2; BEGIN; UPDATE t SET text = hex(randomblob(100));");
      ready();
      ::pause();
    });
    ASSERT_TRUE(writer.wait_ready());
    writer.kill();
    ASSERT_GT(fs::file_size(database_.native() + "-journal"), 0U);
  }

  void truncate() { ASSERT_EQ(::truncate(database_.c_str(), 0), 0); }

  void overwrite_head() {
    const Fd fd = open_file(database_, O_WRONLY);
    pwrite_all(fd.get(), as_bytes(std::string_view("0123456789abcdef")), 0, database_.native());
  }

  /// All that looks at a live database.
  void look_at_it() {
    const auto target = make_sqlite_target({.database = database_});
    EXPECT_NE(sqlite_obstacle(database_), "");
    EXPECT_FALSE(is_sqlite_file(database_));
    EXPECT_EQ(target->locking()->refuses_writes(), true);
    EXPECT_THROW(target->marker({}), Error);
    EXPECT_THROW(plant_sqlite_marker(database_, {}, 100), Error);
    for (const SelfCheck& check : target->check({})) EXPECT_FALSE(check.passed) << check.name;
    const auto lock = target->locking()->lock_writes(1000);
    ASSERT_TRUE(lock);
    const auto replacement = target->replacement("20260203t040506-1a2b3c4d", "db");
    replacement->provision();
    replacement->try_cut_over(1000);
    replacement->discard_copy();
  }

  void expect_kept_as_bytes() {
    const auto before = files();
    look_at_it();
    EXPECT_EQ(files(), before) << "looking at it changed it";
    const auto source = marked();
    EXPECT_EQ(content_of(*source), before);
    EXPECT_EQ(files(), before) << "backing it up changed it";
    EXPECT_THAT(source->report().suspicions,
                ElementsAre(HasSubstr("its files are kept as they are")));
    EXPECT_EQ(source->report().facts.at("method"), "bytes");
  }

  TemporaryDirectory directory_{"/tmp", "salvor-sqlite-test-"};
  fs::path database_ = directory_.path() / "app" / "shop.db";
};

TEST_F(SqliteWreckTest, ALogBesideAFileWhoseHeaderSaysRollbackModeIsRead) {
  run_sql(database_, kHundredRows);
  const Bytes copy = read_file(database_, 1 << 30);
  Child writer([&](const auto& ready, const auto&) {
    TestDatabase database(database_);
    database.run("PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0;" +
                 std::string(kFiftyMore));
    ready();
    ::pause();
  });
  ASSERT_TRUE(writer.wait_ready());
  writer.kill();
  // As cp does: the inode stays.
  std::ofstream(database_, std::ios::binary)
      .write(reinterpret_cast<const char*>(copy.data()), static_cast<std::streamsize>(copy.size()));
  const auto before = files();
  ASSERT_EQ(before.at("shop.db")[18], std::byte{1}) << "the header says rollback mode";
  const auto source = marked();
  EXPECT_EQ(files(), before);
  const fs::path restored = directory_.path() / "restored.db";
  sqlite::restore(*source, restored);
  EXPECT_EQ(run_sql(restored, "SELECT count(*) FROM t"), "150");
  EXPECT_EQ(source->report().facts.at("journal_mode"), "wal");
  EXPECT_THAT(source->report().suspicions, IsEmpty());
  // A question of a check reads the same, and leaves the log as it is.
  std::string count;
  make_sqlite_target({.database = database_})
      ->sql()
      ->query("SELECT count(*) FROM t", {}, [&](const SqlAccess::Row& row) {
        count = row.front().value_or("");
        return true;
      });
  EXPECT_EQ(count, "150");
  EXPECT_EQ(files(), before);
}

TEST_F(SqliteWreckTest, AnEmptiedFileKeepsItsLog) {
  leave_log();
  truncate();
  expect_kept_as_bytes();
}

TEST_F(SqliteWreckTest, AFileWithoutItsHeadKeepsItsLog) {
  leave_log();
  overwrite_head();
  expect_kept_as_bytes();
}

TEST_F(SqliteWreckTest, AnEmptiedFileKeepsItsJournal) {
  leave_journal();
  truncate();
  expect_kept_as_bytes();
}

TEST_F(SqliteWreckTest, AFileWithoutItsHeadKeepsItsJournal) {
  leave_journal();
  overwrite_head();
  expect_kept_as_bytes();
}

TEST_F(SqliteWreckTest, AFileThatEndsTooEarlyIsKeptAsBytes) {
  run_sql(database_, kHundredRows);
  ASSERT_EQ(::truncate(database_.c_str(), 8192), 0);
  const auto before = files();
  const auto source = marked();
  EXPECT_EQ(content_of(*source), before);
  EXPECT_EQ(files(), before);
  EXPECT_THAT(source->report().suspicions, SizeIs(1));
}

TEST_F(SqliteWreckTest, ADamagedPageIsASuspicion) {
  run_sql(database_, kHundredRows);
  EXPECT_EQ(marked()->report().facts.at("quick_check"), "ok");
  {
    const Fd fd = open_file(database_, O_WRONLY);
    pwrite_all(fd.get(), Bytes(2000, std::byte{0xA5}), 8192, database_.native());
  }
  const auto before = files();
  const auto source = marked();
  EXPECT_THAT(source->report().suspicions, ElementsAre(HasSubstr("quick_check")));
  EXPECT_EQ(content_of(*source), before) << "it is backed up all the same";
}

TEST_F(SqliteWreckTest, AStopEndsTheCheckOfTheCopy) {
  run_sql(database_, kHundredRows);
  const auto source = only_marked();
  std::stop_source stop;
  stop.request_stop();
  try {
    source->examine(stop.get_token());
    FAIL() << "it went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
  EXPECT_THAT(source->report().suspicions, IsEmpty());
}

TEST_F(SqliteWreckTest, TheMarkDoesNotReadTheCopy) {
  run_sql(database_, kHundredRows);
  const auto source = only_marked();
  EXPECT_FALSE(source->report().facts.contains("quick_check"));
  source->examine({});
  EXPECT_EQ(source->report().facts.at("quick_check"), "ok");
}

TEST_F(SqliteWreckTest, AnEmptyFileIsAnEmptyDatabaseAndGetsNoCanary) {
  std::ofstream(database_).flush();
  const auto source = marked();
  EXPECT_THAT(source->report().suspicions, IsEmpty());
  EXPECT_EQ(source->report().facts.at("quick_check"), "ok");
  EXPECT_THROW(plant_sqlite_marker(database_, {}, 100), Error);
  EXPECT_EQ(fs::file_size(database_), 0U);
}

/// A table with an index in an order that only its application knows.
void make_with_own_collation(const fs::path& path) {
  sqlite3* opened = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &opened), SQLITE_OK);
  const auto compare = [](void*, int, const void* a, int, const void* b) {
    return std::memcmp(a, b, 1);
  };
  sqlite3_create_collation(opened, "theirs", SQLITE_UTF8, nullptr, compare);
  EXPECT_EQ(sqlite3_exec(opened,
                         "CREATE TABLE t(a TEXT COLLATE theirs); CREATE INDEX i ON t(a);"
                         "INSERT INTO t VALUES ('b'), ('a')",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(opened);
}

TEST_F(SqliteWreckTest, WhatOnlyTheApplicationCanAskIsNoSuspicionAndNoFailure) {
  make_with_own_collation(database_);
  const auto source = marked();
  EXPECT_THAT(source->report().suspicions, IsEmpty());
  EXPECT_THAT(source->report().facts.at("quick_check"), HasSubstr("not run: no such collation"));
  const auto checks = make_sqlite_target({.database = database_})->check({});
  EXPECT_TRUE(checks.at(0).not_run);
  EXPECT_FALSE(checks.at(0).passed);
  EXPECT_THAT(checks.at(0).found, HasSubstr("theirs"));
}

TEST_F(SqliteWreckTest, RowsThatBreakAForeignKeyInTheSourceTooPassWithARemark) {
  run_sql(database_,
          "CREATE TABLE p(id INTEGER PRIMARY KEY);"
          "CREATE TABLE c(p REFERENCES p); INSERT INTO c VALUES (1), (2)");
  const auto source = marked();
  EXPECT_THAT(source->report().suspicions, IsEmpty());
  const auto facts = source->report().facts;
  EXPECT_EQ(facts.at("foreign_key_rows"), "2");
  const auto target = make_sqlite_target({.database = database_});
  const SelfCheck as_then = target->check({}, facts).at(1);
  EXPECT_TRUE(as_then.passed);
  EXPECT_THAT(as_then.found, HasSubstr("2 rows break a foreign key, and 2 did in the source"));
  EXPECT_FALSE(target->check({}).at(1).passed) << "nothing is known of the source";
  run_sql(database_, "INSERT INTO c VALUES (3)");
  EXPECT_FALSE(target->check({}, facts).at(1).passed) << "one more than in the source";
}

TEST_F(SqliteWreckTest, ADatabaseThatARestoreHasHalfReplacedIsNoState) {
  run_sql(database_, kHundredRows);
  {
    const Fd fd = open_file(database_, O_WRONLY);
    pwrite_all(fd.get(), as_bytes(std::string_view("replaced: salvor")), 0, database_.native());
  }
  try {
    marked();
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict);
    EXPECT_THAT(error.hint(), HasSubstr("undo"));
  }
}

TEST_F(SqliteWreckTest, AFileWithTwoNamesIsRefusedAndTheOtherNameKeepsItsContent) {
  run_sql(database_, kHundredRows);
  const fs::path other = directory_.path() / "app" / "copy.db";
  fs::create_hard_link(database_, other);
  const Bytes content = read_file(other, 1 << 30);
  const auto refused = [](const auto& act) {
    try {
      act();
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), HasSubstr("2 names"));
      return error.code() == ErrorCode::refused;
    }
    return false;
  };
  EXPECT_TRUE(refused([&] { marked(); }));
  EXPECT_THAT(sqlite_obstacle(database_), HasSubstr("2 names"));
  const auto target = make_sqlite_target({.database = database_});
  const auto replacement = target->replacement("20260203t040506-1a2b3c4d", "db");
  EXPECT_TRUE(refused([&] { replacement->try_cut_over(1000); }));
  EXPECT_TRUE(refused([&] { replacement->provision(); }));
  fs::remove(other);
  replacement->provision();
  run_sql(directory_.path() / "app/.salvor-20260203t040506-1a2b3c4d-db/new/shop.db", kHundredRows);
  // Made while the copy was.
  fs::create_hard_link(database_, other);
  EXPECT_TRUE(refused([&] { replacement->cut_over(1000); }));
  EXPECT_EQ(read_file(other, 1 << 30), content);
  EXPECT_EQ(run_sql(other, "SELECT count(*) FROM t"), "100");
  replacement->discard_copy();
}

}  // namespace
}  // namespace salvor::stores
