// A database is locked, asked, replaced, and goes back.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/fd.h"
#include "stores/sqlite/internal/test_database.h"
#include "stores/sqlite/sqlite.h"
#include "testing/target_contract.h"

namespace salvor::stores {
namespace {

namespace fs = std::filesystem;
using sqlite::Child;
using sqlite::run_sql;
using sqlite::sqlite_problems;
using sqlite::TestDatabase;

constexpr std::int64_t kWaitMs = 5'000;

testing::Taken take_database(const fs::path& database, const fs::path& spool) {
  const auto source =
      make_sqlite_source({.database = database, .spool_directory = spool / "spool"});
  return testing::take_all(*source);
}

class SqliteSubject final : public testing::TargetSubject {
 public:
  SqliteSubject(fs::path scratch, std::string journal_mode)
      : scratch_(std::move(scratch)), journal_mode_(std::move(journal_mode)) {
    fs::create_directory(scratch_ / "live");
  }

  fs::path live() const override { return scratch_ / "live" / "shop.db"; }
  void make_first() override {
    run_sql(live(), "PRAGMA journal_mode = " + journal_mode_ +
                        "; CREATE TABLE t(id INTEGER PRIMARY KEY, what TEXT);"
                        "INSERT INTO t(what) VALUES('first'), ('" +
                        std::string(20'000, 'x') + "')");
  }
  void make_second() override { run_sql(live(), "INSERT INTO t(what) VALUES('second')"); }
  void remove() override {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"})
      fs::remove(live().native() + suffix);
  }
  bool may_be_shut() const override { return journal_mode_ == "wal"; }
  testing::Taken take() override { return take_database(live(), scratch_); }
  std::unique_ptr<Target> target(const ReplacementFaults& faults) override {
    SqliteTargetOptions options;
    options.database = live();
    options.faults = faults;
    return make_sqlite_target(std::move(options));
  }
  std::string describe(const fs::path& place) override {
    constexpr std::string_view kShut = "replaced";
    if (!fs::exists(place) || as_text(read_file(place, 1 << 20U)).starts_with(kShut)) return {};
    return run_sql(place, "SELECT group_concat(id || what) FROM t");
  }
  void write(const fs::path& place) override {
    run_sql(place, "INSERT INTO t(what) VALUES('since')");
  }

 private:
  const fs::path scratch_;
  const std::string journal_mode_;
};

testing::MakeTargetSubject with_mode(const std::string& journal_mode) {
  return [journal_mode](const fs::path& scratch) {
    return std::make_unique<SqliteSubject>(scratch, journal_mode);
  };
}

const bool kDelete = testing::register_target_contract("sqlite-delete", with_mode("delete"));
const bool kPersist = testing::register_target_contract("sqlite-persist", with_mode("persist"));
const bool kWal = testing::register_target_contract("sqlite-wal", with_mode("wal"));

class SqliteTargetTest : public ::testing::Test {
 protected:
  SqliteTargetTest() : home_("/tmp", "salvor-sqlite-target-") {
    fs::create_directory(home_.path() / "live");
  }

  fs::path live() const { return home_.path() / "live" / "shop.db"; }
  std::unique_ptr<Target> target(bool nobody_writes = false) const {
    SqliteTargetOptions options;
    options.database = live();
    options.nobody_writes = nobody_writes;
    return make_sqlite_target(std::move(options));
  }
  std::unique_ptr<Replacement> replacement() const { return target()->replacement("r1", "db"); }
  void make_copy() const {
    const testing::Taken taken = take_database(live(), home_.path());
    const auto replacing = replacement();
    replacing->provision();
    const auto sink = replacing->sink(Recognise::by_status);
    testing::put_all(taken, *sink, true);
  }
  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& each : fs::directory_iterator(live().parent_path())) {
      found.insert(each.path().filename());
    }
    return found;
  }

  const TemporaryDirectory home_;
};

TEST_F(SqliteTargetTest, UndoIsEqualToTheByte) {
  run_sql(live(), "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  make_copy();
  run_sql(live(), "INSERT INTO t VALUES(2)");
  const Bytes before = read_file(live(), 1 << 20U);
  struct stat status {};
  ASSERT_EQ(stat(live().c_str(), &status), 0);
  const auto replacing = replacement();
  replacing->cut_over(kWaitMs);
  EXPECT_EQ(run_sql(live(), "SELECT count(*) FROM t"), "1");
  replacing->swap_back(kWaitMs);
  EXPECT_EQ(read_file(live(), 1 << 20U), before);
  struct stat now {};
  ASSERT_EQ(stat(live().c_str(), &now), 0);
  EXPECT_EQ(now.st_ino, status.st_ino);
  EXPECT_EQ(now.st_mtim.tv_nsec, status.st_mtim.tv_nsec);
  EXPECT_EQ(run_sql(replacing->copy().path, "SELECT count(*) FROM t"), "1");
}

TEST_F(SqliteTargetTest, ADamagedDatabaseCanBeReplacedAndComesBackDamaged) {
  run_sql(live(), "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  make_copy();
  const std::string nonsense(10'000, 'n');
  {
    const Fd fd = open_file(live(), O_WRONLY | O_TRUNC);
    write_all(fd.get(), as_bytes(nonsense), "live");
    const Fd log = open_file(live().native() + "-wal", O_WRONLY | O_CREAT);
    write_all(log.get(), as_bytes("log"), "log");
  }
  const auto store = target();
  const auto lock = store->locking()->lock_writes(kWaitMs);
  EXPECT_EQ(store->locking()->refuses_writes(), true);
  EXPECT_FALSE(store->check({}).front().passed);
  const auto replacing = replacement();
  replacing->cut_over(kWaitMs);
  EXPECT_EQ(run_sql(live(), "SELECT count(*) FROM t"), "1");
  replacing->swap_back(kWaitMs);
  EXPECT_EQ(as_text(read_file(live(), 1 << 20U)), nonsense);
  EXPECT_EQ(as_text(read_file(live().native() + "-wal", 100)), "log");
}

TEST_F(SqliteTargetTest, AnOldLogIsNotGivenToTheNewDatabase) {
  run_sql(live(), "PRAGMA journal_mode = wal; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  make_copy();
  // A writer is killed, so that its last commit is in the log only.
  Child writer([&](const auto& ready, const auto& stopped) {
    TestDatabase database(live());
    database.run("INSERT INTO t VALUES(2)");
    ready();
    while (!stopped()) usleep(1000);
  });
  ASSERT_TRUE(writer.wait_ready());
  writer.kill();
  ASSERT_GT(fs::file_size(live().native() + "-wal"), 0U);
  const auto replacing = replacement();
  replacing->cut_over(kWaitMs);
  EXPECT_EQ(run_sql(live(), "SELECT count(*) FROM t"), "1");
  replacing->swap_back(kWaitMs);
  EXPECT_EQ(run_sql(live(), "SELECT count(*) FROM t"), "2");
  // And when the database is gone, but for its log.
  replacing->discard_copy();
  make_copy();
  run_sql(live(), "DELETE FROM t");
  Child second([&](const auto& ready, const auto& stopped) {
    TestDatabase database(live());
    database.run("INSERT INTO t VALUES(3)");
    ready();
    while (!stopped()) usleep(1000);
  });
  ASSERT_TRUE(second.wait_ready());
  second.kill();
  fs::remove(live());
  replacing->cut_over(kWaitMs);
  EXPECT_EQ(run_sql(live(), "SELECT count(*) FROM t"), "2");
}

TEST_F(SqliteTargetTest, AnswersQuestionsAndWritesNothing) {
  run_sql(live(),
          "PRAGMA journal_mode = wal; CREATE TABLE p(id INTEGER PRIMARY KEY);"
          "CREATE TABLE t(a, p REFERENCES p(id)); INSERT INTO t VALUES(1, 7), (NULL, NULL)");
  const auto store = target(true);
  std::vector<SqlAccess::Row> rows;
  store->sql()->query("SELECT a, 'x' FROM t ORDER BY a DESC;  ", {},
                      [&](const SqlAccess::Row& row) {
                        rows.push_back(row);
                        return true;
                      });
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0], (SqlAccess::Row{"1", "x"}));
  EXPECT_EQ(rows[1], (SqlAccess::Row{std::nullopt, "x"}));
  for (const char* sql :
       {"INSERT INTO t VALUES(2, 2)", "SELECT 1; SELECT 2", "", "ATTACH 'x' AS y", "DELETE FROM t",
        "PRAGMA journal_mode = delete", "PRAGMA wal_checkpoint", "SELEC 1", "SELECT x FROM nowhere",
        "VACUUM INTO 'copy'", "BEGIN IMMEDIATE", "PRAGMA user_version = 3"}) {
    try {
      store->sql()->query(sql, {}, [](const SqlAccess::Row&) { return true; });
      ADD_FAILURE() << sql;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage) << sql << ": " << error.message();
    }
  }
  const std::vector<SelfCheck> checks = store->check({});
  ASSERT_EQ(checks.size(), 2U);
  EXPECT_TRUE(checks[0].passed);
  EXPECT_FALSE(checks[1].passed);
  EXPECT_EQ(checks[1].found, "t 1 p 0");
  EXPECT_EQ(names(), std::set<std::string>{"shop.db"});
  std::stop_source stop;
  std::jthread ends([&] {
    usleep(200'000);
    stop.request_stop();
  });
  try {
    store->sql()->query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT count(*) FROM n",
        stop.get_token(), [](const SqlAccess::Row&) { return true; });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

/// What a writer of another process tells. Ids that it was told are committed, up to a million.
struct Told {
  std::atomic<std::uint32_t> count{0};
  std::array<std::uint32_t, 1'000'000> ids{};
};

class SharedTold {
 public:
  SharedTold() {
    void* memory =
        ::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap");
    told_ = new (memory) Told;
  }
  SharedTold(const SharedTold&) = delete;
  SharedTold& operator=(const SharedTold&) = delete;
  ~SharedTold() { ::munmap(told_, sizeof(Told)); }
  Told* operator->() const { return told_; }

 private:
  Told* told_;
};

/// Inserts ids for as long as it is let, and cares for nothing that it is told.
void write_regardless(const fs::path& path, const std::string& mode, bool stays_open, Told& told,
                      const std::function<void()>& ready, const std::function<bool()>& stopped) {
  sqlite3* database = nullptr;
  for (std::uint32_t id = 1; !stopped(); ++id) {
    if (database == nullptr) {
      sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr);
      sqlite3_busy_timeout(database, 20);
      sqlite3_exec(database, ("PRAGMA synchronous = off; PRAGMA journal_mode = " + mode).c_str(),
                   nullptr, nullptr, nullptr);
    }
    const std::string sql = "INSERT INTO written VALUES(" + std::to_string(id) + ")";
    if (sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) {
      const std::uint32_t at = told.count;
      if (at == told.ids.size()) return;
      told.ids[at] = id;
      told.count = at + 1;
      if (at == 10) ready();
    }
    if (!stays_open) {
      sqlite3_close(database);
      database = nullptr;
    }
  }
  sqlite3_close(database);
}

struct WriterCase {
  std::string mode;
  bool stays_open;
};

class SqliteWriterTest : public SqliteTargetTest, public ::testing::WithParamInterface<WriterCase> {
 protected:
  std::set<std::string> ids_in(const fs::path& database) const {
    std::set<std::string> ids;
    SqliteTargetOptions options;
    options.database = database;
    make_sqlite_target(std::move(options))
        ->sql()
        ->query("SELECT id FROM written", {}, [&](const SqlAccess::Row& row) {
          ids.insert(row[0].value());
          return true;
        });
    return ids;
  }
};

TEST_P(SqliteWriterTest, NoWriteIsLostInACutOver) {
  constexpr int kRounds = 8;
  const WriterCase& test = GetParam();
  for (int round = 0; round < kRounds; ++round) {
    run_sql(live(),
            "PRAGMA journal_mode = " + (test.mode == "wal" ? "wal" : std::string("delete")) +
                "; CREATE TABLE IF NOT EXISTS written(id INTEGER PRIMARY KEY);"
                "DELETE FROM written");
    make_copy();
    const SharedTold told;
    Child writer([&](const auto& ready, const auto& stopped) {
      write_regardless(live(), test.mode, test.stays_open, *told.operator->(), ready, stopped);
    });
    ASSERT_TRUE(writer.wait_ready());
    const auto replacing = replacement();
    if (test.mode == "wal" && test.stays_open) {
      EXPECT_THROW(replacing->cut_over(200), Error);
      EXPECT_FALSE(replacing->state().cut_over);
      const std::uint32_t before = told->count;
      for (int ms = 0; ms < 10'000 && told->count == before; ++ms) usleep(1000);
      EXPECT_GT(told->count, before) << "it can't go on";
      ASSERT_EQ(writer.stop(), 0);
      EXPECT_EQ(ids_in(live()).size(), told->count);
      replacing->discard_copy();
      continue;
    }
    replacing->cut_over(kWaitMs);
    const fs::path parked = replacing->workplace().path / "old" / "shop.db";
    const Bytes old = read_file(parked, 100 << 20U);
    usleep(50'000);
    ASSERT_EQ(writer.stop(), 0);
    EXPECT_EQ(read_file(parked, 100 << 20U), old) << "something was written to what is not live";
    std::set<std::string> found = ids_in(live());
    EXPECT_EQ(sqlite_problems(live()), std::vector<std::string>{});
    replacing->swap_back(kWaitMs);
    EXPECT_EQ(sqlite_problems(live()), std::vector<std::string>{});
    found.merge(ids_in(live()));
    for (std::uint32_t i = 0; i < told->count; ++i) {
      ASSERT_TRUE(found.contains(std::to_string(told->ids[i])))
          << "id " << told->ids[i] << ", " << i << " of " << told->count << ", round " << round;
    }
    replacing->discard_copy();
  }
}

TEST_P(SqliteWriterTest, NoWriteIsLostWhenACutOverIsKilled) {
  const WriterCase& test = GetParam();
  if (test.mode == "wal" && test.stays_open) return;  // who stays can't be replaced
  constexpr int kStepsMax = 100;
  for (int step = 0, exit_status = -1; exit_status != 0; ++step) {
    ASSERT_LT(step, kStepsMax);
    run_sql(live(),
            "PRAGMA journal_mode = " + (test.mode == "wal" ? "wal" : std::string("delete")) +
                "; CREATE TABLE IF NOT EXISTS written(id INTEGER PRIMARY KEY);"
                "DELETE FROM written");
    make_copy();
    const SharedTold told;
    Child writer([&](const auto& ready, const auto& stopped) {
      write_regardless(live(), test.mode, test.stays_open, *told.operator->(), ready, stopped);
    });
    ASSERT_TRUE(writer.wait_ready());
    Child killed([&](const auto&, const auto&) {
      int seen = 0;
      SqliteTargetOptions options;
      options.database = live();
      options.faults.before_step = [&](std::string_view) {
        if (seen++ == step) _exit(42);
      };
      make_sqlite_target(std::move(options))->replacement("r1", "db")->cut_over(kWaitMs);
    });
    exit_status = killed.wait();
    ASSERT_TRUE(exit_status == 0 || exit_status == 42);
    usleep(20'000);
    const auto replacing = replacement();
    replacing->cut_over(kWaitMs);
    usleep(20'000);
    ASSERT_EQ(writer.stop(), 0);
    std::set<std::string> found = ids_in(live());
    EXPECT_EQ(sqlite_problems(live()), std::vector<std::string>{}) << "step " << step;
    replacing->swap_back(kWaitMs);
    EXPECT_EQ(sqlite_problems(live()), std::vector<std::string>{}) << "step " << step;
    found.merge(ids_in(live()));
    for (std::uint32_t i = 0; i < told->count; ++i) {
      ASSERT_TRUE(found.contains(std::to_string(told->ids[i])))
          << "id " << told->ids[i] << ", " << i << " of " << told->count << ", step " << step;
    }
    replacing->discard_copy();
  }
}

TEST_P(SqliteWriterTest, TheWriteLockHoldsAndFollows) {
  const WriterCase& test = GetParam();
  const bool can_be_replaced = test.mode != "wal" || !test.stays_open;
  run_sql(live(), "PRAGMA journal_mode = " + (test.mode == "wal" ? "wal" : std::string("delete")) +
                      "; CREATE TABLE written(id INTEGER PRIMARY KEY)");
  make_copy();
  const SharedTold told;
  Child writer([&](const auto& ready, const auto& stopped) {
    write_regardless(live(), test.mode, test.stays_open, *told.operator->(), ready, stopped);
  });
  ASSERT_TRUE(writer.wait_ready());
  const auto store = target();
  EXPECT_EQ(store->locking()->lock_writes(kWaitMs) == nullptr, false);
  auto lock = store->locking()->lock_writes(kWaitMs);
  const auto expect_quiet = [&] {
    EXPECT_EQ(store->locking()->refuses_writes(), true);
    usleep(50'000);  // a commit from before the lock may not have been told yet
    const std::uint32_t count = told->count;
    usleep(100'000);
    EXPECT_EQ(told->count, count);
  };
  expect_quiet();
  EXPECT_EQ(ids_in(live()).size(), told->count);  // readers go on
  const auto replacing = replacement();
  if (can_be_replaced) {
    replacing->cut_over(kWaitMs);
  } else {
    EXPECT_THROW(replacing->cut_over(100), Error);
  }
  expect_quiet();
  // A writer may have got in between the exchange and the lock; its writes are where they belong.
  const std::size_t in_copy = can_be_replaced ? ids_in(live()).size() : 0;
  if (can_be_replaced) replacing->swap_back(kWaitMs);
  expect_quiet();
  lock.reset();
  if (!test.stays_open || !can_be_replaced) {
    const std::uint32_t count = told->count;
    for (int i = 0; i < 100 && told->count == count; ++i) usleep(20'000);
    EXPECT_GT(told->count, count);
  }
  ASSERT_EQ(writer.stop(), 0);
  EXPECT_EQ(store->locking()->refuses_writes(), false);
  EXPECT_EQ(ids_in(live()).size() + in_copy, told->count);
}

INSTANTIATE_TEST_SUITE_P(Modes, SqliteWriterTest,
                         ::testing::Values(WriterCase{"delete", false}, WriterCase{"delete", true},
                                           WriterCase{"memory", true}, WriterCase{"wal", false},
                                           WriterCase{"wal", true}),
                         [](const auto& instance) {
                           return instance.param.mode +
                                  (instance.param.stays_open ? "_stays" : "_comes_and_goes");
                         });

TEST_F(SqliteTargetTest, WhoHoldsItIsNamed) {
  run_sql(live(), "CREATE TABLE t(a)");
  Child holder([&](const auto& ready, const auto& stopped) {
    TestDatabase database(live());
    database.run("BEGIN IMMEDIATE");
    ready();
    while (!stopped()) usleep(1000);
  });
  ASSERT_TRUE(holder.wait_ready());
  const TargetIdentity identity = target()->identify(1000);
  ASSERT_EQ(identity.holders.size(), 1U);
  EXPECT_TRUE(identity.holders[0].writes);
  try {
    target()->locking()->lock_writes(200);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict);
    EXPECT_NE(error.message().find("pid " + std::to_string(identity.holders[0].pid)),
              std::string::npos)
        << error.message();
  }
  holder.stop();
  EXPECT_NE(target()->locking()->lock_writes(kWaitMs), nullptr);
}

}  // namespace
}  // namespace salvor::stores
