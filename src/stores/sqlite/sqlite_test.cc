#include "stores/sqlite/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/error.h"
#include "base/fd.h"
#include "stores/sqlite/internal/test_database.h"

namespace salvor::stores {
namespace {

using sqlite::Child;
using sqlite::restore;
using sqlite::run_sql;
using sqlite::sqlite_problems;
using sqlite::TestDatabase;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

/// The system's clock, some time ahead; and a place to act at a known moment of the copy.
class TestClock : public Clock {
 public:
  Time now() override { return Time{Clock::system().now().ns + ahead_ns}; }
  Time monotonic() override {
    ++calls;
    if (on_monotonic) on_monotonic(calls);
    return Clock::system().monotonic();
  }

  std::int64_t ahead_ns = 0;
  int calls = 0;
  std::function<void(int)> on_monotonic;
};

/// With lock_hold_ms_max = 0 the first round under the lock reads the clock when it has the lock,
/// when it looks for the end of its time, and when it has just given the lock back.
constexpr int kUnlockedAgain = 3;

class SqliteTest : public ::testing::Test {
 protected:
  SqliteTest() { fs::create_directory(directory_.path() / "app"); }

  SqliteSourceOptions options() {
    return {.database = database_, .spool_directory = spool_, .clock = clock_};
  }

  std::unique_ptr<Source> marked(const SqliteSourceOptions& options) {
    auto source = make_sqlite_source(options);
    source->mark();
    source->examine({});
    return source;
  }

  /// Backs up, restores, checks; the restored item.
  Item round_trip() {
    const auto source = marked(options());
    Item item = restore(*source, restored_);
    facts_ = source->report().facts;
    EXPECT_EQ(sqlite_problems(restored_), std::vector<std::string>{});
    return item;
  }

  Error error_of_mark(const SqliteSourceOptions& options) {
    try {
      make_sqlite_source(options)->mark();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "expected an error";
    return Error(ErrorCode::failed, "");
  }

  Item item_now() {
    const auto source = marked(options());
    source->next();
    return *source->next();
  }

  std::vector<std::string> files_beside() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(database_.parent_path())) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  TemporaryDirectory directory_{"/tmp", "salvor-sqlite-test-"};
  fs::path database_ = directory_.path() / "app" / "shop.db";
  fs::path spool_ = directory_.path() / "state" / "spool";
  fs::path restored_ = directory_.path() / "restored.db";
  std::map<std::string, std::string> facts_;
  TestClock clock_;
};

constexpr const char* kFill =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, text);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
    "INSERT INTO t SELECT i, hex(randomblob(100)) FROM n;";

TEST_F(SqliteTest, RollbackModeRoundTripsByteForByte) {
  run_sql(database_, kFill);
  ::chmod(database_.c_str(), 0640);
  const Item item = round_trip();
  EXPECT_EQ(read_file(restored_, 1 << 30), read_file(database_, 1 << 30));
  EXPECT_EQ(as_text(item.key), "shop.db");
  EXPECT_EQ(item.entry.kind, EntryKind::file);
  EXPECT_EQ(item.entry.mode, 0640u);
  EXPECT_EQ(item.entry.uid, ::getuid());
  EXPECT_EQ(item.entry.size, fs::file_size(database_));
  EXPECT_EQ(facts_["journal_mode"], "rollback");
  EXPECT_EQ(facts_["method"], "locked-copy");
  EXPECT_EQ(facts_["page_size"], "4096");
  EXPECT_EQ(std::stoull(facts_["pages"]) * 4096, item.entry.size);
  EXPECT_EQ(files_beside(), std::vector<std::string>{"shop.db"});
}

TEST_F(SqliteTest, KeepsExtendedAttributes) {
  run_sql(database_, kFill);
  ASSERT_EQ(::setxattr(database_.c_str(), "user.owner", "shop", 4, 0), 0);
  const Item item = round_trip();
  const Attribute expected{"user.owner", to_bytes("shop")};
  EXPECT_THAT(item.entry.attributes, ::testing::Contains(expected));
}

TEST_F(SqliteTest, TheFirstItemIsTheDirectory) {
  run_sql(database_, kFill);
  const auto source = marked(options());
  const std::optional<Item> item = source->next();
  ASSERT_TRUE(item);
  EXPECT_TRUE(item->key.empty());
  EXPECT_EQ(item->entry.kind, EntryKind::directory);
  EXPECT_EQ(item->entry.mode, 0700u);
  EXPECT_NE(item->entry.mtime, Time{});
  Bytes buffer(10);
  const auto reader = source->open(*item);
  EXPECT_EQ(reader->read(buffer).data_bytes, 0u);
  EXPECT_EQ(source->capabilities().cutting.fixed_bytes % 65536, 0u);
}

TEST_F(SqliteTest, WalModeIncludesWhatIsNotCheckpointed) {
  TestDatabase writer(database_);
  writer.run("PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0;" + std::string(kFill));
  ASSERT_GT(fs::file_size(database_.native() + "-wal"), 100'000u);
  round_trip();
  EXPECT_EQ(run_sql(restored_, "SELECT count(*) FROM t"), "2000");
  EXPECT_EQ(run_sql(restored_, "PRAGMA journal_mode"), "wal");
  EXPECT_EQ(facts_["journal_mode"], "wal");
  EXPECT_EQ(facts_["method"], "online-backup");
  EXPECT_EQ(facts_["lock_held_ms"], "0");
}

TEST_F(SqliteTest, LeavesTheLogOfAKilledWriterAsItIs) {
  Child writer([&](const auto& ready, const auto&) {
    TestDatabase database(database_);
    database.run("PRAGMA journal_mode = wal;" + std::string(kFill));
    ready();
    ::pause();
  });
  ASSERT_TRUE(writer.wait_ready());
  writer.kill();
  const fs::path wal = database_.native() + "-wal";
  const Bytes log = read_file(wal, 1 << 30);
  const Bytes file = read_file(database_, 1 << 30);
  ASSERT_FALSE(log.empty());
  round_trip();
  EXPECT_EQ(run_sql(restored_, "SELECT count(*) FROM t"), "2000");
  EXPECT_EQ(read_file(wal, 1 << 30), log);
  EXPECT_EQ(read_file(database_, 1 << 30), file);
}

TEST_F(SqliteTest, LeavesNothingBesideAClosedWalDatabase) {
  run_sql(database_, "PRAGMA journal_mode = wal;" + std::string(kFill));
  ASSERT_EQ(files_beside(), std::vector<std::string>{"shop.db"});
  round_trip();
  EXPECT_EQ(run_sql(restored_, "SELECT count(*) FROM t"), "2000");
  EXPECT_EQ(files_beside(), std::vector<std::string>{"shop.db"});
}

TEST_F(SqliteTest, PageSizesFromSmallestToLargest) {
  for (const std::string size : {"512", "1024", "16384", "65536"}) {
    for (const std::string mode : {"delete", "wal"}) {
      fs::remove(database_);
      run_sql(database_,
              "PRAGMA page_size = " + size + "; PRAGMA journal_mode = " + mode + ";" + kFill);
      round_trip();
      EXPECT_EQ(facts_["page_size"], size);
      EXPECT_EQ(run_sql(restored_, "SELECT count(*) FROM t"), "2000");
    }
  }
}

TEST_F(SqliteTest, AnEmptyFileIsAnEmptyDatabase) {
  std::ofstream(database_).close();
  const Item item = round_trip();
  EXPECT_EQ(item.entry.size, 0u);
  EXPECT_EQ(fs::file_size(restored_), 0u);
  EXPECT_EQ(facts_["pages"], "0");
}

TEST_F(SqliteTest, SpaceAllocatedAheadIsNotPartOfTheDatabase) {
  run_sql(database_, kFill);
  const std::uint64_t bytes = fs::file_size(database_);
  fs::resize_file(database_, bytes + 1'000'000);
  EXPECT_EQ(round_trip().entry.size, bytes);
  EXPECT_EQ(run_sql(restored_, "SELECT count(*) FROM t"), "2000");
}

TEST_F(SqliteTest, NamesThatLookLikeSomethingElse) {
  for (const std::string name : {"file:a?mode=memory", "100%#.db", "new\nline", "\xff\xfe.db"}) {
    database_ = directory_.path() / "app" / name;
    run_sql(database_, kFill);
    restored_ = directory_.path() / ("restored " + name);
    EXPECT_EQ(as_text(round_trip().key), name);
    EXPECT_EQ(run_sql(restored_, "SELECT count(*) FROM t"), "2000");
  }
}

TEST_F(SqliteTest, ASymbolicLinkIsFollowed) {
  run_sql(database_, "PRAGMA journal_mode = wal;" + std::string(kFill));
  fs::create_directory(directory_.path() / "links");
  const fs::path link = directory_.path() / "links" / "current.db";
  fs::create_symlink(database_, link);
  database_ = link;
  EXPECT_EQ(as_text(round_trip().key), "current.db");
  EXPECT_EQ(run_sql(restored_, "SELECT count(*) FROM t"), "2000");
}

TEST_F(SqliteTest, ASchemaThatDoesNotParseIsCopiedAllTheSame) {
  run_sql(database_, std::string(kFill) +
                         "PRAGMA writable_schema = 1;"
                         "UPDATE sqlite_schema SET sql = 'CREATE TABEL t(x)' WHERE name = 't';");
  const auto source = marked(options());
  restore(*source, restored_);
  EXPECT_EQ(read_file(restored_, 1 << 30), read_file(database_, 1 << 30));
  EXPECT_FALSE(sqlite_problems(restored_).empty());
}

TEST_F(SqliteTest, MissingFileNotADatabaseAndDirectory) {
  const Error missing = error_of_mark(options());
  EXPECT_EQ(missing.code(), ErrorCode::not_found);
  EXPECT_FALSE(missing.hint().empty());
  EXPECT_FALSE(fs::exists(database_));

  std::ofstream(database_) << std::string(10'000, 'x');
  const auto foreign = marked(options());
  EXPECT_THAT(foreign->report().suspicions, ElementsAre(HasSubstr("is no SQLite database")));
  restore(*foreign, restored_);
  EXPECT_EQ(read_file(restored_, 1 << 30), read_file(database_, 1 << 30));

  fs::remove(database_);
  fs::create_directory(database_);
  EXPECT_EQ(error_of_mark(options()).code(), ErrorCode::failed);
}

TEST_F(SqliteTest, ALockThatIsNeverReleasedIsAConflict) {
  run_sql(database_, kFill);
  for (const std::string mode : {"delete", "wal"}) {
    Child owner([&](const auto& ready, const auto&) {
      TestDatabase database(database_);
      database.run("PRAGMA locking_mode = exclusive; PRAGMA journal_mode = " + mode +
                   "; DELETE FROM t WHERE id = 1");
      ready();
      ::pause();
    });
    ASSERT_TRUE(owner.wait_ready());
    SqliteSourceOptions patient = options();
    patient.lock_wait_ms_max = 200;
    const Error error = error_of_mark(patient);
    EXPECT_EQ(error.code(), ErrorCode::conflict) << mode << ": " << error.message();
    EXPECT_NE(error.message().find("waited 200 ms"), std::string::npos) << error.message();
    EXPECT_NE(error.hint().find("locking_mode"), std::string::npos);
  }
}

TEST_F(SqliteTest, AHotJournalIsRolledBack) {
  run_sql(database_, kFill);
  const std::string before = run_sql(database_, "SELECT group_concat(text) FROM t");
  Child writer([&](const auto& ready, const auto&) {
    TestDatabase database(database_);
    database.run("PRAGMA cache_size = 5; BEGIN; UPDATE t SET text = 'x' || text");
    ready();
    ::pause();
  });
  ASSERT_TRUE(writer.wait_ready());
  writer.kill();
  ASSERT_GT(fs::file_size(database_.native() + "-journal"), 512u);
  round_trip();
  EXPECT_EQ(run_sql(restored_, "SELECT group_concat(text) FROM t"), before);
}

TEST_F(SqliteTest, WalWithoutPermissionToWriteSaysWhatIsNeeded) {
  run_sql(database_, "PRAGMA journal_mode = wal;" + std::string(kFill));
  constexpr uid_t kNobody = 65534;
  const bool root = ::getuid() == 0;
  const TemporaryDirectory spool("/tmp", "salvor-sqlite-test-");
  if (root) {
    ASSERT_EQ(::chown(spool.path().c_str(), kNobody, kNobody), 0);
    fs::permissions(directory_.path(), fs::perms(0755));
  }
  fs::permissions(database_, fs::perms(0444));
  fs::permissions(database_.parent_path(), fs::perms(0555));
  Child reader([&](const auto&, const auto&) {
    if (root && ::setuid(kNobody) != 0) throw std::runtime_error("setuid");
    spool_ = spool.path();
    const Error error = error_of_mark(options());
    if (error.code() != ErrorCode::failed || error.hint().find("-wal") == std::string::npos) {
      throw Error(error);
    }
  });
  EXPECT_EQ(reader.wait(), 0);
  fs::permissions(database_.parent_path(), fs::perms(0755));
}

TEST_F(SqliteTest, TheSpoolIsPrivateAndLeavesNothing) {
  run_sql(database_, kFill);
  fs::create_directories(spool_);
  fs::permissions(spool_, fs::perms(0700));
  std::ofstream(spool_ / "sqlite-0123456789abcdef.spool") << "left by a killed process";
  const auto source = marked(options());
  EXPECT_TRUE(fs::is_empty(spool_));
  restore(*source, restored_);

  fs::permissions(spool_, fs::perms(0777));
  EXPECT_EQ(error_of_mark(options()).code(), ErrorCode::refused);
}

TEST_F(SqliteTest, UnchangedOnlyWhenItCanBeProved) {
  clock_.ahead_ns = 10'000'000'000;
  run_sql(database_, kFill);
  const auto source = marked(options());
  const Item first = item_now();
  EXPECT_TRUE(source->unchanged(first.entry, item_now().entry));

  run_sql(database_, "UPDATE t SET text = 'A' WHERE id = 1");
  const Item second = item_now();
  EXPECT_EQ(second.entry.size, first.entry.size);
  EXPECT_FALSE(source->unchanged(first.entry, second.entry));

  clock_.ahead_ns = 0;
  run_sql(database_, "UPDATE t SET text = 'B' WHERE id = 1");
  const Item third = item_now();
  EXPECT_TRUE(third.entry.racy);
  EXPECT_FALSE(source->unchanged(third.entry, third.entry));

  clock_.ahead_ns = 10'000'000'000;
  TestDatabase writer(database_);
  writer.run("PRAGMA journal_mode = wal; UPDATE t SET text = 'C' WHERE id = 1");
  const Item fourth = item_now();
  EXPECT_FALSE(source->unchanged(fourth.entry, fourth.entry));
}

TEST_F(SqliteTest, GivesTheLockBackWhenTimeIsUpAndEndsNevertheless) {
  run_sql(database_, kFill);
  SqliteSourceOptions hasty = options();
  hasty.lock_hold_ms_max = 0;
  const auto source = marked(hasty);
  restore(*source, restored_);
  EXPECT_EQ(read_file(restored_, 1 << 30), read_file(database_, 1 << 30));
  EXPECT_GT(std::stoi(source->report().facts["lock_rounds"]), 1);
}

TEST_F(SqliteTest, ChangesBetweenTheRounds) {
  const std::vector<std::string> changes = {
      "INSERT INTO t(text) SELECT hex(randomblob(500)) FROM t",
      "DELETE FROM t WHERE id > 100; VACUUM",
      "PRAGMA page_size = 16384; VACUUM",
      "PRAGMA journal_mode = wal; DELETE FROM t WHERE id > 500",
  };
  for (const std::string& change : changes) {
    SCOPED_TRACE(change);
    fs::remove(database_);
    run_sql(database_, kFill);
    SqliteSourceOptions hasty = options();
    hasty.lock_hold_ms_max = 0;
    clock_.calls = 0;
    clock_.on_monotonic = [&](int call) {
      if (call == kUnlockedAgain) run_sql(database_, change);
    };
    const auto source = marked(hasty);
    restore(*source, restored_);
    const std::string all = "SELECT count(*) || ' ' || group_concat(text) FROM t";
    EXPECT_EQ(run_sql(restored_, all), run_sql(database_, all));
    EXPECT_EQ(sqlite_problems(restored_), std::vector<std::string>{});
    const bool wal = change.find("wal") != std::string::npos;
    EXPECT_EQ(source->report().facts["journal_mode"], wal ? "wal" : "rollback");
  }
}

TEST_F(SqliteTest, AFileReplacedMeanwhileIsAConflictWorthTryingAgain) {
  run_sql(database_, kFill);
  const fs::path other = directory_.path() / "app" / "other.db";
  run_sql(other, kFill);
  SqliteSourceOptions hasty = options();
  hasty.lock_hold_ms_max = 0;
  clock_.on_monotonic = [&](int call) {
    if (call == kUnlockedAgain) fs::rename(other, database_);
  };
  const Error error = error_of_mark(hasty);
  EXPECT_EQ(error.code(), ErrorCode::conflict);
  EXPECT_TRUE(error.retryable());
}

TEST_F(SqliteTest, ProblemsAreFoundAndNothingIsWritten) {
  EXPECT_THROW(sqlite_problems(database_), Error);
  run_sql(database_, "PRAGMA journal_mode = wal; CREATE TABLE u(x); CREATE INDEX i ON u(x);" +
                         std::string(kFill));
  EXPECT_EQ(sqlite_problems(database_), std::vector<std::string>{});
  const std::uint64_t bytes = fs::file_size(database_);
  {
    std::fstream file(database_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(bytes / 2));
    file << std::string(8192, '\x7f');
  }
  EXPECT_FALSE(sqlite_problems(database_).empty());
  EXPECT_EQ(files_beside(), std::vector<std::string>{"shop.db"});
  fs::resize_file(database_, bytes / 2);
  EXPECT_FALSE(sqlite_problems(database_).empty());
  std::ofstream(database_) << std::string(5000, 'x');
  EXPECT_EQ(sqlite_problems(database_), std::vector<std::string>{"file is not a database"});
}

}  // namespace
}  // namespace salvor::stores
