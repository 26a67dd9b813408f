#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "backend/fault.h"
#include "backend/local.h"
#include "backend/memory.h"
#include "backend/retry.h"
#include "base/error.h"
#include "scratch.h"
#include "testing/fake_sleeper.h"

/// A backup that dies, or whose medium fails, at each of its operations: what was there before is
/// there still, the repository is sound, and the next backup succeeds.
namespace salvor::testing {
namespace {

namespace fs = std::filesystem;

using backend::Call;
using backend::Fault;
using backend::FaultBackend;
using backend::MemoryBackend;
using backend::Operation;

class CrashTest : public ::testing::Test {
 protected:
  CrashTest() {
    // Two points, and a third state of the same tree, which is to become one.
    create_repository(memory_);
    make_tree(tree(), 12, 12'000, 1);
    take_point();
    std::ofstream(tree() / "file 1", std::ios::app) << "changed";
    fs::remove(tree() / "directory" / "file 4");
    take_point();
    SeededRng rng(2);
    for (const char* name : {"new 1", "new 2"}) {
      std::ofstream(tree() / name, std::ios::binary) << as_text(rng.bytes(30'000));
    }
    third_ = describe_tree(tree());
  }

  fs::path tree() const { return directory_.path() / "tree"; }

  void take_point() {
    before_.push_back(describe_tree(tree()));
    back_up(memory_, tree());
  }

  /// With a fresh look at what is left. `committed`: what the writer was told; empty: nothing.
  void expect_intact(MemoryBackend& medium, std::optional<bool> committed) {
    ASSERT_EQ(damage_of(medium), "");
    std::vector<TreeDescription> expected = before_;
    const std::size_t points = open_repository(medium)->points().size();
    if (points == 3) expected.push_back(third_);
    if (committed) {
      EXPECT_EQ(points, *committed ? 3U : 2U);
    }
    ASSERT_EQ(restore_differences(medium, expected, directory_.path()), "");
    back_up(medium, tree());
    expected.push_back(third_);
    ASSERT_EQ(restore_differences(medium, expected, directory_.path()), "");
    ASSERT_EQ(damage_of(medium), "");
  }

  enum class Outcome { succeeded, failed, killed };

  /// Backs the third state up.
  Outcome attempt(backend::Backend& medium, ErrorCode* code = nullptr) {
    try {
      back_up(medium, tree());
      return Outcome::succeeded;
    } catch (const backend::Killed&) {
      return Outcome::killed;
    } catch (const Error& error) {
      if (code != nullptr) *code = error.code();
      return Outcome::failed;
    }
  }

  /// Lets the n-th operation that `concerns` meet `fault`, for every n.
  template <class Concerns, class Check>
  std::uint64_t at_every(const Fault& fault, const Concerns& concerns, const Check& check) {
    for (std::uint64_t n = 1;; ++n) {
      const auto medium = memory_.clone();
      FaultBackend faulty(*medium);
      std::atomic<std::uint64_t> count{0};
      std::string where;
      faulty.on([&](const Call& call) -> std::optional<Fault> {
        if (!concerns(call) || ++count != n) return std::nullopt;
        where = call.name;
        return fault;
      });
      ErrorCode code = ErrorCode::failed;
      const Outcome outcome = attempt(faulty, &code);
      if (count < n) return n - 1;
      SCOPED_TRACE("operation " + std::to_string(n) + " on " + where);
      check(*medium, outcome, code, where);
      if (HasFatalFailure()) return n;
    }
  }

  const TemporaryDirectory directory_{"/tmp"};
  MemoryBackend memory_;
  std::vector<TreeDescription> before_;
  TreeDescription third_;
};

const auto kAny = [](const Call&) { return true; };
const auto kPuts = [](const Call& call) { return call.operation == Operation::put; };

TEST_F(CrashTest, killed_before_any_operation) {
  const auto operations =
      at_every(Fault::kill_before(), kAny,
               [&](MemoryBackend& medium, Outcome outcome, ErrorCode, const std::string& where) {
                 // After its log entry, all a session has left to do can fail without a word.
                 if (where.starts_with("log/") || where.starts_with("checkpoint/")) {
                   expect_intact(medium, std::nullopt);
                 } else {
                   EXPECT_EQ(outcome, Outcome::killed);
                   expect_intact(medium, false);
                 }
               });
  EXPECT_GT(operations, 12U);
}

TEST_F(CrashTest, killed_after_any_operation) {
  at_every(Fault::kill_after(), kAny,
           [&](MemoryBackend& medium, Outcome, ErrorCode, const std::string&) {
             expect_intact(medium, std::nullopt);
           });
}

TEST_F(CrashTest, a_full_medium_at_any_put) {
  const auto puts =
      at_every(Fault::no_space(), kPuts,
               [&](MemoryBackend& medium, Outcome outcome, ErrorCode code, const std::string&) {
                 EXPECT_NE(outcome, Outcome::killed);
                 if (outcome == Outcome::failed) {
                   EXPECT_EQ(code, ErrorCode::no_space);
                 }
                 expect_intact(medium, outcome == Outcome::succeeded);
               });
  EXPECT_GE(puts, 7U);
}

TEST_F(CrashTest, a_medium_that_is_full_from_any_put_on) {
  for (std::uint64_t n = 1; n < 12; ++n) {
    SCOPED_TRACE(n);
    const auto medium = memory_.clone();
    FaultBackend faulty(*medium);
    std::atomic<std::uint64_t> puts{0};
    faulty.on([&](const Call& call) -> std::optional<Fault> {
      if (!kPuts(call) || ++puts < n) return std::nullopt;
      return Fault::no_space();
    });
    const Outcome outcome = attempt(faulty);
    expect_intact(*medium, outcome == Outcome::succeeded);
    if (HasFatalFailure()) return;
  }
}

TEST_F(CrashTest, no_answer_from_any_operation) {
  for (const Fault& fault : {Fault::unreachable_before(), Fault::unreachable_after()}) {
    at_every(fault, kAny,
             [&](MemoryBackend& medium, Outcome outcome, ErrorCode code, const std::string&) {
               EXPECT_NE(outcome, Outcome::killed);
               if (outcome == Outcome::succeeded) {
                 expect_intact(medium, true);
               } else {
                 EXPECT_EQ(code, ErrorCode::unreachable);
                 expect_intact(medium, std::nullopt);
               }
             });
  }
}

TEST_F(CrashTest, with_retries_no_lost_answer_is_noticed) {
  for (const Fault& fault : {Fault::unreachable_before(), Fault::unreachable_after(),
                             Fault::unreachable_after_visits(1)}) {
    for (std::uint64_t n = 1;; ++n) {
      const auto medium = memory_.clone();
      auto faulty = std::make_unique<FaultBackend>(*medium);
      FaultBackend& calls = *faulty;
      calls.at(n, fault);
      FakeSleeper sleeper;
      backend::RetryOptions options;
      options.sleeper = &sleeper;
      const auto patient = backend::with_retry(std::move(faulty), options);
      SCOPED_TRACE("operation " + std::to_string(n));
      ASSERT_EQ(attempt(*patient), Outcome::succeeded);
      if (calls.calls() < n) break;
      expect_intact(*medium, true);
      if (HasFatalFailure()) return;
    }
  }
}

/// Backs up in a child process, and kills it so many microseconds after it has begun.
void kill_a_backup(const fs::path& place, const fs::path& tree, std::uint64_t delay_us) {
  int ready[2] = {-1, -1};
  ASSERT_EQ(pipe(ready), 0);
  const Fd from_child(ready[0]);
  Fd to_parent(ready[1]);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try {
      const auto medium = backend::open_local(place);
      write_all(to_parent.get(), as_bytes("."), "a pipe");
      back_up(*medium, tree);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "a backup failed: %s\n", error.what());
      _exit(1);
    }
    _exit(0);
  }
  to_parent.close();
  Bytes byte(1);
  ASSERT_EQ(read_some(from_child.get(), byte, "a pipe"), 1U);
  // The moment is what is tested, so there is no event to wait for, but its end.
  pollfd end{from_child.get(), POLLIN, 0};
  const timespec delay{0, static_cast<long>(delay_us * 1000)};
  ppoll(&end, 1, &delay, nullptr);
  kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

TEST_F(CrashTest, a_process_killed_at_random_moments) {
  constexpr int kRounds = 20;
  constexpr std::uint64_t kLongest_us = 60'000;
  SeededRng rng(test_seed());
  const fs::path place = directory_.path() / "repository";
  const auto medium = backend::create_local(place);
  create_repository(*medium);
  back_up(*medium, tree());
  std::vector<TreeDescription> expected{describe_tree(tree())};
  int killed = 0;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::ofstream(tree() / ("round " + std::to_string(round)), std::ios::binary)
        << as_text(rng.bytes(200'000));
    const TreeDescription now = describe_tree(tree());
    kill_a_backup(place, tree(), rng.below(kLongest_us));
    const auto fresh = backend::open_local(place);
    ASSERT_EQ(damage_of(*fresh), "");
    const std::size_t points = open_repository(*fresh)->points().size();
    ASSERT_LE(points - expected.size(), 1U);
    if (points == expected.size()) ++killed;
    if (points > expected.size()) expected.push_back(now);
    // Now and then without a backup in between, so that two killed ones follow each other.
    if (round % 3 != 0) {
      back_up(*fresh, tree());
      expected.push_back(now);
    }
  }
  ASSERT_EQ(restore_differences(*medium, expected, directory_.path()), "");
  ASSERT_EQ(damage_of(*medium), "");
  std::printf("%d of %d backups were killed before they had committed\n", killed, kRounds);
}

}  // namespace
}  // namespace salvor::testing
