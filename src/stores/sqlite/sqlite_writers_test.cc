#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <new>
#include <ostream>
#include <random>
#include <thread>

#include "base/fd.h"
#include "stores/sqlite/internal/test_database.h"
#include "stores/sqlite/sqlite.h"

/// Backups beside other processes that commit without pause.
namespace salvor::stores {
namespace {

using sqlite::Child;
using sqlite::restore;
using sqlite::sqlite_problems;
using sqlite::TestDatabase;
namespace fs = std::filesystem;

constexpr int kAccounts = 100;
constexpr std::int64_t kSecondNs = 1'000'000'000;

/// What a writer tells while it runs.
struct Progress {
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::int64_t> slowest_ns{0};
};

/// Memory that the writers share with the test.
class SharedProgress {
 public:
  SharedProgress() {
    void* memory = ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap");
    progress_ = new (memory) Progress;
  }
  SharedProgress(const SharedProgress&) = delete;
  SharedProgress& operator=(const SharedProgress&) = delete;
  ~SharedProgress() { ::munmap(progress_, sizeof(Progress)); }
  Progress* operator->() const { return progress_; }

 private:
  Progress* progress_;
};

struct Case {
  std::string name;
  std::string journal_mode;
  int rows;
  int backups;
  std::int64_t lock_hold_ms_max = 600;
};

void PrintTo(const Case& test, std::ostream* out) {
  *out << test.name;
}

/// `rows` of 1,000 bytes beside the accounts make the database as large as a test wants it.
void make_bank(const fs::path& path, int rows) {
  TestDatabase database(path);
  database.run(
      "PRAGMA journal_mode = off; PRAGMA synchronous = off; BEGIN;"
      "CREATE TABLE account(id INTEGER PRIMARY KEY, balance INT);"
      "CREATE TABLE ledger(giver INT, taker INT, amount INT);"
      "CREATE INDEX ledger_giver ON ledger(giver);"
      "CREATE TABLE total(transfers INT); INSERT INTO total VALUES(0);"
      "CREATE TABLE filler(id INTEGER PRIMARY KEY, touched INT, data BLOB);");
  const std::string numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n ";
  database.run(numbers + "WHERE i < " + std::to_string(kAccounts) +
               ") INSERT INTO account SELECT i, 1000 FROM n");
  database.run(numbers + "WHERE i < " + std::to_string(rows) +
               ") INSERT INTO filler SELECT i, 0, "
               "CAST(printf('%0950d', i * 7919) AS BLOB) FROM n");
  database.run("COMMIT");
}

/// Moves money for as long as it is let; every transaction keeps the invariants.
void write_without_pause(const fs::path& path, const Case& test, unsigned seed, Progress& progress,
                         const std::function<void()>& ready, const std::function<bool()>& stopped) {
  TestDatabase database(path);
  database.run("PRAGMA journal_mode = " + test.journal_mode);
  std::mt19937 random(seed);
  for (int done = 0; !stopped(); ++done) {
    const auto giver = std::to_string(random() % kAccounts + 1);
    const auto taker = std::to_string(random() % kAccounts + 1);
    const auto amount = std::to_string(random() % 50);
    const auto row = std::to_string(random() % static_cast<unsigned>(test.rows) + 1);
    const Time begun = Clock::system().monotonic();
    database.run("BEGIN IMMEDIATE; UPDATE account SET balance = balance - " + amount +
                 " WHERE id = " + giver + "; UPDATE account SET balance = balance + " + amount +
                 " WHERE id = " + taker + "; INSERT INTO ledger VALUES(" + giver + "," + taker +
                 "," + amount + "); UPDATE filler SET touched = touched + 1 WHERE id = " + row +
                 "; UPDATE total SET transfers = transfers + 1; COMMIT");
    const std::int64_t took_ns = Clock::system().monotonic().ns - begun.ns;
    if (took_ns > progress.slowest_ns) progress.slowest_ns = took_ns;
    ++progress.commits;
    if (done == 10) ready();
  }
}

void expect_invariants(const fs::path& path) {
  TestDatabase database(path);
  EXPECT_EQ(database.run("SELECT sum(balance) FROM account"), std::to_string(kAccounts * 1000));
  const std::string transfers = database.run("SELECT transfers FROM total");
  EXPECT_EQ(database.run("SELECT count(*) FROM ledger"), transfers);
  EXPECT_EQ(database.run("SELECT sum(touched) FROM filler"), transfers);
  EXPECT_EQ(database.run("SELECT count(*) FROM account a WHERE balance <> 1000"
                         " + (SELECT total(amount) FROM ledger WHERE taker = a.id)"
                         " - (SELECT total(amount) FROM ledger WHERE giver = a.id)"),
            "0");
}

/// Returns when a commit that began by now has ended, so that its waiting is in `progress`.
void wait_for_commits(const SharedProgress& progress) {
  const std::uint64_t enough = progress->commits + 2;
  const Time limit{Clock::system().monotonic().ns + 20 * kSecondNs};
  while (progress->commits < enough) {
    if (Clock::system().monotonic() > limit) throw std::runtime_error("the writer has stopped");
    std::this_thread::yield();
  }
}

class SqliteWritersTest : public ::testing::TestWithParam<Case> {};

TEST_P(SqliteWritersTest, EveryBackupIsConsistentAndNoCommitWaitsLong) {
  const Case& test = GetParam();
  const TemporaryDirectory directory("/tmp", "salvor-sqlite-test-");
  const fs::path database = directory.path() / "bank.db";
  make_bank(database, test.rows);
  const unsigned seed = std::random_device()();
  std::printf("seed %u\n", seed);

  const SharedProgress progress;
  Child writer([&](const auto& ready, const auto& stopped) {
    write_without_pause(database, test, seed, *progress.operator->(), ready, stopped);
  });
  ASSERT_TRUE(writer.wait_ready());
  std::int64_t slowest_ns = 0;
  std::int64_t slowest_alone_ns = 0;  // what this machine's disk takes by itself
  for (int i = 0; i < test.backups; ++i) {
    slowest_alone_ns = std::max<std::int64_t>(slowest_alone_ns, progress->slowest_ns);
    progress->slowest_ns = 0;
    const std::uint64_t before = progress->commits;
    const auto source = make_sqlite_source({.database = database,
                                            .spool_directory = directory.path() / "spool",
                                            .lock_hold_ms_max = test.lock_hold_ms_max});
    const Time begun = Clock::system().monotonic();
    source->mark();
    const double took_s = Clock::system().monotonic().seconds_since(begun);
    const std::uint64_t commits = progress->commits - before;
    wait_for_commits(progress);
    slowest_ns = std::max<std::int64_t>(slowest_ns, progress->slowest_ns.exchange(0));
    auto facts = source->report().facts;
    std::printf("backup %d: %.3f s, %lu commits meanwhile, lock %s ms in %s rounds\n", i, took_s,
                commits, facts["lock_held_ms"].c_str(), facts["lock_rounds"].c_str());
    EXPECT_EQ(facts["journal_mode"], test.journal_mode == "wal" ? "wal" : "rollback");

    const fs::path restored = directory.path() / "restored.db";
    restore(*source, restored);
    EXPECT_EQ(sqlite_problems(restored), std::vector<std::string>{});
    expect_invariants(restored);
    fs::remove(restored);
  }
  EXPECT_EQ(writer.stop(), 0);
  std::printf("slowest commit during a backup: %.3f s, without: %.3f s\n",
              static_cast<double>(slowest_ns) / 1e9, static_cast<double>(slowest_alone_ns) / 1e9);
  EXPECT_LT(slowest_ns, kSecondNs + slowest_alone_ns);
  expect_invariants(database);
}

INSTANTIATE_TEST_SUITE_P(JournalModes, SqliteWritersTest,
                         ::testing::Values(Case{"Wal", "wal", 5'000, 10},
                                           Case{"Delete", "delete", 5'000, 10},
                                           Case{"Truncate", "truncate", 5'000, 10},
                                           Case{"Persist", "persist", 5'000, 10},
                                           Case{"ManyRounds", "delete", 5'000, 10, 0},
                                           Case{"LargeDelete", "delete", 300'000, 2},
                                           Case{"LargeWal", "wal", 100'000, 2}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace salvor::stores
