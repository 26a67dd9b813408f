#include "catalog/catalog.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <thread>

#include "base/error.h"
#include "base/fd.h"

namespace salvor::catalog {
namespace {

constexpr std::int64_t kSecond_ns = 1'000'000'000;

class SetClock final : public Clock {
 public:
  Time now() override { return time; }
  Time monotonic() override { return time; }
  Time time{1'770'091'506 * kSecond_ns};  // 2026-02-03T04:05:06Z
};

class CatalogTest : public ::testing::Test {
 protected:
  CatalogTest() : directory_("/tmp"), path_(directory_.path() / "state" / "catalog.sqlite") {}

  Catalog open() { return Catalog::open(path_, {.clock = &clock_}); }
  std::filesystem::path lock_of(const RunId& id) { return path_.parent_path() / "runs" / id.text; }

  /// Lets the file of a run name another process.
  void name_in_lock(const RunId& id, const std::string& identity) {
    const Bytes text = read_file(lock_of(id), 1000);
    const std::string place(as_text(text).substr(0, as_text(text).find('\n') + 1));
    std::ofstream(lock_of(id)) << place << identity;
  }

  /// Makes a run whose process has ended.
  RunId run_of_ended_process() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      int status = 1;
      try {
        const RunId id = Catalog::open(path_).begin_run(RunKind::backup, "shop");
        const auto size = static_cast<ssize_t>(id.text.size());
        if (::write(ends[1], id.text.data(), id.text.size()) == size) status = 0;
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
      }
      ::_exit(status);
    }
    ::close(ends[1]);
    std::string text(64, '\0');
    text.resize(read_some(ends[0], std::as_writable_bytes(std::span(text)), "a pipe"));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    return {text};
  }

  /// Another process ends, and leaves its catalog open.
  void be_killed() {
    const pid_t child = ::fork();
    if (child == 0) {
      Catalog catalog = Catalog::open(path_);
      catalog.begin_run(RunKind::backup, "shop");
      ::_exit(0);
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }

  void execute(const char* sql) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(handle);
  }

  SetClock clock_;
  TemporaryDirectory directory_;
  std::filesystem::path path_;
};

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "expected an error";
  return ErrorCode::failed;
}

TEST_F(CatalogTest, RecordsARun) {
  RunId id;
  {
    Catalog catalog = open();
    id = catalog.begin_run(RunKind::drill, "shop", "schedule");
    EXPECT_EQ(id.text.substr(0, 16), "20260203t040506-");
    EXPECT_EQ(id.text.size(), 24U);
    const auto row = catalog.run(id.text);
    ASSERT_TRUE(row);
    EXPECT_EQ(row->state, RunState::running);
    EXPECT_FALSE(row->ended);
    clock_.time.ns += 90 * kSecond_ns;
    catalog.finish_run(id, RunState::failed, R"({"checks":3})", "2 checks failed");
  }
  Catalog catalog = open();
  const auto row = catalog.run(id.text);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->kind, RunKind::drill);
  EXPECT_EQ(row->service, "shop");
  EXPECT_EQ(row->trigger, "schedule");
  EXPECT_EQ(row->state, RunState::failed);
  ASSERT_TRUE(row->ended);
  EXPECT_EQ(row->ended->seconds_since(row->started), 90);
  EXPECT_EQ(row->summary_json, R"({"checks":3})");
  EXPECT_EQ(row->error, "2 checks failed");
}

TEST_F(CatalogTest, FiltersAndOrders) {
  Catalog catalog = open();
  std::vector<std::string> ids;
  for (const auto& [kind, service] : {std::pair{RunKind::backup, "shop"},
                                      {RunKind::backup, "blog"},
                                      {RunKind::verify, ""},
                                      {RunKind::backup, "shop"}}) {
    ids.push_back(catalog.begin_run(kind, service).text);
    clock_.time.ns += kSecond_ns;
  }
  const auto found = [&](const RunFilter& filter) {
    std::vector<std::string> texts;
    for (const RunRow& row : catalog.runs(filter)) texts.push_back(row.id.text);
    return texts;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(found({}), (Texts{ids[3], ids[2], ids[1], ids[0]}));
  EXPECT_EQ(found({.service = "shop"}), (Texts{ids[3], ids[0]}));
  EXPECT_EQ(found({.kind = RunKind::verify}), (Texts{ids[2]}));
  EXPECT_EQ(found({.service = "shop", .limit = 1}), (Texts{ids[3]}));
  catalog.finish_run({ids[1]}, RunState::succeeded, "{}");
  EXPECT_EQ(found({.state = RunState::succeeded}), (Texts{ids[1]}));
}

TEST_F(CatalogTest, FindsByUnambiguousPrefix) {
  Catalog catalog = open();
  const RunId first = catalog.begin_run(RunKind::backup, "shop");
  EXPECT_EQ(catalog.run("2026")->id, first);
  clock_.time.ns += 3600 * kSecond_ns;
  const RunId second = catalog.begin_run(RunKind::backup, "shop");
  EXPECT_EQ(catalog.run("20260203t05")->id, second);
  EXPECT_EQ(code_of([&] { catalog.run("2026"); }), ErrorCode::usage);
  EXPECT_FALSE(catalog.run("2027"));
  EXPECT_FALSE(catalog.run(""));
  EXPECT_FALSE(catalog.run("%"));
}

TEST_F(CatalogTest, ARunWhoseProcessIsGoneIsInterrupted) {
  const RunId id = run_of_ended_process();
  Catalog catalog = open();
  const RunId own = catalog.begin_run(RunKind::backup, "shop");
  const auto row = catalog.run(id.text);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->state, RunState::interrupted);
  EXPECT_FALSE(row->ended) << "nobody saw its end";
  EXPECT_FALSE(row->error.empty());
  EXPECT_EQ(catalog.run(own.text)->state, RunState::running);
  EXPECT_EQ(catalog.runs({.state = RunState::interrupted}).size(), 1U) << "it is recorded so";
}

TEST_F(CatalogTest, ARunOfAnEarlierBootIsInterrupted) {
  const RunId id = run_of_ended_process();
  execute("UPDATE runs SET process = 'another-boot ' || substr(process, 38)");
  EXPECT_EQ(open().run(id.text)->state, RunState::interrupted);
}

TEST_F(CatalogTest, ARunInAnotherContainerIsLeftAloneWhereNoLockTellsOfIt) {
  const RunId id = run_of_ended_process();
  execute("UPDATE runs SET pid_space = 'pid:[1]'");
  std::filesystem::remove(lock_of(id));
  EXPECT_EQ(open().run(id.text)->state, RunState::running);
}

TEST_F(CatalogTest, ARunInAnotherContainerLivesByItsLock) {
  // As seen from a container beside it, which shares the state directory: no process of that name.
  constexpr const char* kOfAnother =
      "UPDATE runs SET pid_space = 'pid:[1]', process = process || '1'";
  Catalog theirs = open();
  const RunId living = theirs.begin_run(RunKind::restore, "shop");
  const RunId dead = run_of_ended_process();
  execute(kOfAnother);
  const auto add_one = [&](const RunId& id) { std::ofstream(lock_of(id), std::ios::app) << '1'; };
  add_one(living);
  add_one(dead);
  Catalog ours = open();
  EXPECT_EQ(ours.run(living.text)->state, RunState::running);
  EXPECT_EQ(ours.run(dead.text)->state, RunState::interrupted);
}

TEST_F(CatalogTest, AFileWithoutItsLockKillsNoProcessThatLives) {
  Catalog catalog = open();
  const RunId id = run_of_ended_process();
  const std::string identity = own_process_identity();
  execute(("UPDATE runs SET process = '" + identity + "'").c_str());
  name_in_lock(id, identity);
  EXPECT_EQ(catalog.liveness(id.text, identity), Liveness::alive);
  EXPECT_EQ(catalog.run(id.text)->state, RunState::running);
}

TEST_F(CatalogTest, OfAProcessOfAnotherBootItsFileSaysNothing) {
  const RunId id = run_of_ended_process();
  std::string identity = own_process_identity();
  identity.replace(0, identity.find(' '), "another-boot");
  name_in_lock(id, identity);
  EXPECT_EQ(open().liveness(id.text, identity), Liveness::elsewhere);
}

TEST_F(CatalogTest, ACopyOfTheFileOfARunSaysNothing) {
  const RunId id = run_of_ended_process();
  const std::string in_a_container = own_process_identity() + "1";
  name_in_lock(id, in_a_container);
  Catalog catalog = open();
  EXPECT_EQ(catalog.liveness(id.text, in_a_container), Liveness::dead);
  const std::filesystem::path copy = lock_of(id).native() + ".copy";
  std::filesystem::copy_file(lock_of(id), copy);
  std::filesystem::rename(copy, lock_of(id));
  EXPECT_EQ(catalog.liveness(id.text, in_a_container), Liveness::elsewhere);
}

TEST_F(CatalogTest, TheLockOfARunIsThereWhileItRuns) {
  Catalog catalog = open();
  const RunId id = catalog.begin_run(RunKind::backup, "shop");
  EXPECT_TRUE(as_text(read_file(lock_of(id), 1000)).ends_with(own_process_identity()));
  EXPECT_EQ(open().liveness(id.text, "of whoever"), Liveness::alive);
  catalog.finish_run(id, RunState::succeeded, "{}");
  EXPECT_FALSE(std::filesystem::exists(lock_of(id)));
  EXPECT_EQ(catalog.liveness(id.text, own_process_identity()), Liveness::alive)
      << "without a lock the process decides";
}

TEST_F(CatalogTest, AChildDoesNotKeepARunAlive) {
  Catalog catalog = open();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t killed = ::fork();
  if (killed == 0) {
    ::setpgid(0, 0);
    Catalog theirs = Catalog::open(path_);
    const RunId id = theirs.begin_run(RunKind::restore, "shop");
    // Like the command of a step, which outlives whoever began it.
    if (::fork() == 0) {
      ::close(STDOUT_FILENO);
      ::close(STDERR_FILENO);
      ::execl("/bin/sleep", "sleep", "60", static_cast<char*>(nullptr));
      ::_exit(1);
    }
    write_all(writer.get(), as_bytes(id.text), "a pipe");
    writer.close();
    for (;;) ::pause();
  }
  writer.close();
  Bytes text(64);
  text.resize(read_some(reader.get(), text, "a pipe"));
  ::kill(killed, SIGKILL);
  ::waitpid(killed, nullptr, 0);
  const auto row = catalog.run(as_text(text));
  ::kill(-killed, SIGKILL);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->state, RunState::interrupted);
}

TEST_F(CatalogTest, WhatAKilledRunLeavesGoesUnlessItCanBeResumed) {
  const RunId backup = run_of_ended_process();
  const RunId restore_into = run_of_ended_process();
  const RunId restore_in_place = run_of_ended_process();
  execute(("UPDATE runs SET kind = 'restore' WHERE id <> '" + backup.text + "'").c_str());
  Catalog catalog = open();
  catalog.append_journal(restore_in_place.text, 1, "{}");
  EXPECT_TRUE(std::filesystem::exists(lock_of(backup)));
  EXPECT_TRUE(std::filesystem::exists(lock_of(restore_into)));
  catalog.runs();
  EXPECT_FALSE(std::filesystem::exists(lock_of(backup)));
  EXPECT_FALSE(std::filesystem::exists(lock_of(restore_into)));
  EXPECT_TRUE(std::filesystem::exists(lock_of(restore_in_place)));
}

TEST_F(CatalogTest, AResumedRunHasItsLockAgain) {
  const RunId id = run_of_ended_process();
  execute("UPDATE runs SET kind = 'restore'");
  Catalog catalog = open();
  catalog.append_journal(id.text, 1, "{}");
  ASSERT_EQ(catalog.run(id.text)->state, RunState::interrupted);
  EXPECT_TRUE(std::filesystem::exists(lock_of(id)));
  catalog.resume_run(id);
  EXPECT_EQ(open().liveness(id.text, "of whoever"), Liveness::alive);
  catalog.finish_run(id, RunState::undone, "{}");
  EXPECT_FALSE(std::filesystem::exists(lock_of(id)));
}

TEST_F(CatalogTest, ResumesAndCloses) {
  const RunId id = run_of_ended_process();
  Catalog catalog = open();
  catalog.resume_run(id);
  EXPECT_EQ(catalog.run(id.text)->state, RunState::running);
  EXPECT_EQ(code_of([&] { catalog.resume_run(id); }), ErrorCode::conflict);
  catalog.finish_run(id, RunState::succeeded, "{}");
  const auto ended = catalog.run(id.text)->ended;
  clock_.time.ns += 500 * kSecond_ns;
  catalog.change_state(id, RunState::closed);
  EXPECT_EQ(catalog.run(id.text)->state, RunState::closed);
  EXPECT_EQ(catalog.run(id.text)->ended, ended);
  EXPECT_EQ(code_of([&] { catalog.resume_run({"20000101t000000-00000000"}); }),
            ErrorCode::not_found);
  EXPECT_EQ(code_of([&] { catalog.finish_run({"x"}, RunState::failed, ""); }),
            ErrorCode::not_found);
  EXPECT_EQ(code_of([&] { catalog.change_state({"x"}, RunState::undone); }), ErrorCode::not_found);
}

TEST_F(CatalogTest, MeasuresDurations) {
  Catalog catalog = open();
  EXPECT_FALSE(catalog.durations("shop", RunKind::drill));
  const auto add = [&](std::int64_t seconds, RunState state) {
    const RunId id = catalog.begin_run(RunKind::drill, "shop");
    clock_.time.ns += seconds * kSecond_ns;
    catalog.finish_run(id, state, "{}");
  };
  add(100, RunState::succeeded);
  add(999, RunState::failed);
  add(300, RunState::succeeded);
  add(-50, RunState::succeeded);  // the clock was set back
  clock_.time.ns += 100 * kSecond_ns;
  add(200, RunState::succeeded);
  const auto statistics = catalog.durations("shop", RunKind::drill);
  ASSERT_TRUE(statistics);
  EXPECT_EQ(statistics->count, 4U);
  EXPECT_EQ(statistics->last_s, 200);
  EXPECT_EQ(statistics->median_s, 150);
  EXPECT_EQ(statistics->longest_s, 300);
  EXPECT_FALSE(catalog.durations("blog", RunKind::drill));
}

TEST_F(CatalogTest, HeadsNeverGoBack) {
  Catalog catalog = open();
  EXPECT_FALSE(catalog.head("a"));
  catalog.note_head("a", 7);
  catalog.note_head("a", 5);
  catalog.note_head("b", 1);
  EXPECT_EQ(open().head("a"), 7U);
  EXPECT_EQ(open().head("b"), 1U);
}

TEST_F(CatalogTest, HeadsAreSetBackOnRequestOnly) {
  Catalog catalog = open();
  catalog.note_head("a", 7);
  catalog.note_head("a/evidence/", 3);
  catalog.note_head("a/evidence/shop_1", 9);
  catalog.note_head("b/evidence/shop", 9);
  catalog.set_head_back("a", 5);
  catalog.set_head_back("b/evidence/shop", 12);
  catalog.set_head_back("unknown", 1);
  EXPECT_EQ(open().head("a"), 5U);
  EXPECT_EQ(open().head("b/evidence/shop"), 9U);
  EXPECT_FALSE(open().head("unknown"));
  EXPECT_EQ(open().heads_below("a/evidence/"),
            (std::vector<std::string>{"a/evidence/", "a/evidence/shop_1"}));
  catalog.note_head("a", 6);
  EXPECT_EQ(open().head("a"), 6U);
}

TEST_F(CatalogTest, IsPrivate) {
  Catalog catalog = open();
  catalog.note_head("a", 1);
  struct stat status {};
  ASSERT_EQ(::stat(path_.parent_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
  for (const auto& file : std::filesystem::directory_iterator(path_.parent_path())) {
    ASSERT_EQ(::stat(file.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << file.path();
  }
}

TEST_F(CatalogTest, SetsADamagedFileAside) {
  open().note_head("a", 1);
  const Bytes garbage = to_bytes(std::string_view("this was never a database, I am afraid"));
  write_file_atomically(path_, garbage);
  Catalog catalog = open();
  EXPECT_FALSE(catalog.head("a"));
  catalog.note_head("a", 2);
  EXPECT_EQ(open().head("a"), 2U);
  const std::filesystem::path aside = path_.native() + ".damaged-20260203T040506.000000Z";
  EXPECT_EQ(read_file(aside, 1000), garbage) << "the damaged file is kept";
}

TEST_F(CatalogTest, SetsAFileWithDamagedPagesAside) {
  {
    Catalog catalog = open();
    for (int i = 0; i < 500; ++i) catalog.begin_run(RunKind::backup, "shop");
  }
  const auto size = std::filesystem::file_size(path_);
  ASSERT_GT(size, 20'000U);
  {
    const Fd fd = open_file(path_, O_WRONLY);
    for (std::uint64_t offset = 4096; offset < size; offset += 4096) {
      pwrite_all(fd.get(), Bytes(512, std::byte{0xA5}), offset, "the catalog");
    }
  }
  EXPECT_TRUE(open().runs().empty());
  EXPECT_EQ(open().runs().size(), 0U) << "the new one is sound";
}

/// How many locks of this process /proc/locks shows on a file.
int locks_on(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  const std::string inode = ":" + std::to_string(status.st_ino) + " ";
  const std::string process = " " + std::to_string(::getpid()) + " ";
  std::ifstream locks("/proc/locks");
  int count = 0;
  for (std::string line; std::getline(locks, line);) {
    const bool ours = line.find(process) != std::string::npos;
    if (ours && line.find(inode) != std::string::npos) ++count;
  }
  return count;
}

TEST_F(CatalogTest, ASecondOpeningKeepsTheLocksOfTheFirst) {
  Catalog catalog = open();
  const RunId id = catalog.begin_run(RunKind::backup, "shop");
  const int held = locks_on(path_);
  ASSERT_GT(held, 0) << "a connection in WAL mode holds a lock as long as it is open";
  EXPECT_EQ(open().runs().size(), 1U);
  EXPECT_EQ(locks_on(path_), held);
  // Another process that takes itself for the last user would remove the log.
  run_of_ended_process();
  catalog.finish_run(id, RunState::succeeded, "{}");
  EXPECT_EQ(open().runs().size(), 2U);
  EXPECT_TRUE(catalog.run(id.text));
}

/// Damage that opening alone does not meet: of the table of journals.
void damage_journals(const std::filesystem::path& path) {
  const Fd fd = open_file(path, O_RDWR);
  const Bytes content = read_file(path, 1 << 30);
  std::string_view rest = as_text(content);
  const std::size_t at = rest.find("a record of the journal");
  ASSERT_NE(at, std::string_view::npos);
  pwrite_all(fd.get(), Bytes(3000, std::byte{0xA5}), at / 4096 * 4096, "the catalog");
}

TEST_F(CatalogTest, ReadsAllOfItOnlyWhenItEndedUncleanly) {
  {
    Catalog catalog = open();
    for (std::uint64_t i = 0; i < 120; ++i) {
      catalog.append_journal("a", i, "a record of the journal");
    }
    catalog.note_head("a", 7);
  }
  EXPECT_FALSE(std::filesystem::exists(path_.native() + "-wal")) << "a clean end";
  damage_journals(path_);
  EXPECT_EQ(open().head("a"), 7U) << "not all of it was read";
  EXPECT_THROW(open().journal("a"), Error);
  Catalog fresh = open();
  EXPECT_FALSE(fresh.head("a")) << "damage that was met is looked for at the next opening";
  EXPECT_TRUE(fresh.journal("a").empty());
}

TEST_F(CatalogTest, ReadsAllOfItAfterAKill) {
  {
    Catalog catalog = open();
    for (std::uint64_t i = 0; i < 120; ++i) {
      catalog.append_journal("a", i, "a record of the journal");
    }
    catalog.note_head("a", 7);
  }
  be_killed();
  ASSERT_TRUE(std::filesystem::exists(path_.native() + "-wal"));
  EXPECT_EQ(open().head("a"), 7U) << "it is sound";
  be_killed();
  damage_journals(path_);
  EXPECT_FALSE(open().head("a")) << "it was set aside";
}

TEST_F(CatalogTest, RefusesANewerVersion) {
  open();
  execute("INSERT INTO schema_version VALUES (99, 0)");
  try {
    open();
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::configuration);
    EXPECT_NE(error.message().find("version 99, expected at most 4"), std::string::npos);
    EXPECT_NE(error.hint().find("upgrade"), std::string::npos);
  }
  EXPECT_TRUE(std::filesystem::exists(path_)) << "it is not damaged, and stays";
}

TEST_F(CatalogTest, SaysWhatIsWrongWithTheStateDirectory) {
  write_file_atomically(directory_.path() / "file", {});
  path_ = directory_.path() / "file" / "catalog.sqlite";
  try {
    open();
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_NE(error.message().find("file"), std::string::npos);
    EXPECT_NE(error.hint().find("state_dir"), std::string::npos);
  }
}

TEST_F(CatalogTest, ManyThreadsAndConnections) {
  Catalog shared = open();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        Catalog own = Catalog::open(path_);
        Catalog& catalog = i % 2 == 0 ? shared : own;
        for (int n = 0; n < 25; ++n) {
          const RunId id = catalog.begin_run(RunKind::backup, "shop");
          catalog.runs();
          catalog.finish_run(id, RunState::succeeded, "{}");
        }
      });
    }
  }
  const auto rows = shared.runs({.limit = 1000});
  EXPECT_EQ(rows.size(), 100U);
  for (const RunRow& row : rows) EXPECT_EQ(row.state, RunState::succeeded);
}

TEST_F(CatalogTest, ProcessesOpenADamagedFileTogether) {
  std::filesystem::create_directories(path_.parent_path());
  write_file_atomically(path_, Bytes(10'000, std::byte{'x'}));
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      int status = 1;
      try {
        Catalog::open(path_).begin_run(RunKind::backup, "shop");
        status = 0;
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
      }
      ::_exit(status);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(open().runs().size(), 6U) << "no process set aside another's new catalog";
}

TEST(RunTest, NamesAreTheContract) {
  for (const std::string_view name : {"backup", "verify", "drill", "restore", "prune"}) {
    ASSERT_TRUE(parse_run_kind(name));
    EXPECT_EQ(name_of(*parse_run_kind(name)), name);
  }
  for (const std::string_view name :
       {"running", "interrupted", "failed", "succeeded", "closed", "undone", "abandoned"}) {
    ASSERT_TRUE(parse_run_state(name));
    EXPECT_EQ(name_of(*parse_run_state(name)), name);
  }
  EXPECT_FALSE(parse_run_kind("Backup"));
  EXPECT_FALSE(parse_run_state(""));
}

TEST_F(CatalogTest, TheNewestRunIsTheOneThatWasRecordedLast) {
  Catalog catalog = open();
  clock_.time.ns += 3600 * kSecond_ns;
  const RunId ahead = catalog.begin_run(RunKind::backup, "shop");
  clock_.time.ns -= 7200 * kSecond_ns;
  const RunId normal = catalog.begin_run(RunKind::backup, "shop");
  const auto rows = catalog.runs({.service = "shop"});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].id, normal);
  EXPECT_EQ(rows[1].id, ahead);
}

}  // namespace
}  // namespace salvor::catalog
