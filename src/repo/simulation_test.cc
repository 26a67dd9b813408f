#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "backend/memory.h"
#include "repo/internal/core.h"
#include "repo/internal/object.h"
#include "testing/fake_clock.h"
#include "testing/interleaving.h"
#include "testing/repo_keys.h"
#include "testing/seeded_rng.h"
#include "testing/test_repository.h"

/// The protocol of commitment, in every order of the calls of two and three writers.
namespace salvor::repo {
namespace {

using backend::MemoryBackend;
using testing::Interleaving;
using testing::InterleavingOptions;
using testing::SeededRng;

struct Attempt {
  SessionId mark;              ///< what the entry is known by
  std::uint64_t sequence = 0;  ///< 0: append() did not return
};

/// Several writers, each of which appends so many entries.
class AppendSimulation {
 public:
  AppendSimulation(InterleavingOptions options, int appends, int entries_before)
      : options_(std::move(options)), appends_(appends) {
    append(start_, 99, entries_before);
  }

  std::uint64_t run() {
    Interleaving interleaving(options_);
    for (;;) {
      MemoryBackend medium(start_.objects());
      attempts_.assign(static_cast<std::size_t>(options_.writers), {});
      unreachable_.assign(static_cast<std::size_t>(options_.writers), 0);
      const bool more = interleaving.run_next(medium, [&](int number, backend::Backend& port) {
        write(static_cast<std::size_t>(number), port);
      });
      if (!more) break;
      SCOPED_TRACE(interleaving.describe());
      check(medium, interleaving);
      if (::testing::Test::HasFailure()) break;
    }
    return interleaving.schedules();
  }

 private:
  void append(backend::Backend& backend, std::uint64_t seed, int entries) {
    SeededRng rng(seed);
    Log log(backend, keys_, clock_, rng);
    LogState state = log.load(ignore_);
    for (int i = 0; i < entries; ++i) log.append(state, entry(random_id<SessionId>(rng)));
  }

  static LogEntry entry(const SessionId& mark) {
    LogEntry made;
    made.type = EntryType::begin;
    made.session = mark;
    return made;
  }

  void write(std::size_t number, backend::Backend& port) {
    SeededRng rng(number);
    Log log(port, keys_, clock_, rng);
    // What it saw when it opened: the same for all.
    MemoryBackend before(start_.objects());
    LogState state = Log(before, keys_, clock_, rng).load(ignore_);
    try {
      for (int i = 0; i < appends_; ++i) {
        attempts_[number].push_back({random_id<SessionId>(rng)});
        attempts_[number].back().sequence = log.append(state, entry(attempts_[number].back().mark));
      }
    } catch (const Error& error) {
      unreachable_[number] = error.code() == ErrorCode::unreachable ? 1 : 2;
    }
  }

  /// What lies in the log, by its mark; read on its own, entry by entry.
  std::map<SessionId, std::uint64_t> read_log(MemoryBackend& medium, std::uint64_t& newest) {
    std::map<SessionId, std::uint64_t> found;
    newest = 0;
    for (const auto& [name, bytes] : medium.objects()) {
      const auto sequence = sequence_of_name("log/", name);
      if (!sequence) continue;
      EXPECT_EQ(*sequence, newest + 1) << "a gap";
      newest = *sequence;
      const LogEntry made =
          decode_entry(open_object(keys_, ObjectType::log_entry, name, bytes), name);
      EXPECT_TRUE(found.emplace(made.session, *sequence).second) << name << " is there twice";
    }
    return found;
  }

  void check(MemoryBackend& medium, const Interleaving& interleaving) {
    std::uint64_t newest = 0;
    const auto found = read_log(medium, newest);
    std::size_t mine = 0;
    for (std::size_t i = 0; i < attempts_.size(); ++i) {
      const bool faulted = interleaving.met_fault(static_cast<int>(i));
      EXPECT_NE(unreachable_[i], 2) << "no other error is to be expected";
      std::uint64_t before = 0;
      for (const Attempt& attempt : attempts_[i]) {
        const auto at = found.find(attempt.mark);
        if (attempt.sequence != 0) {
          ASSERT_NE(at, found.end()) << "an entry that was appended is lost";
          EXPECT_EQ(at->second, attempt.sequence);
        } else {
          EXPECT_TRUE(faulted) << "a writer without a fault did not finish";
        }
        if (at == found.end()) continue;
        EXPECT_GT(at->second, before) << "the order of a writer's entries";
        before = at->second;
        ++mine;
      }
      if (!faulted) {
        EXPECT_EQ(attempts_[i].size(), static_cast<std::size_t>(appends_));
      }
    }
    SeededRng rng(7);
    Log log(medium, keys_, clock_, rng);
    EXPECT_EQ(log.load(ignore_, true).sequence, newest) << "the chain of digests";
    LogState state = log.load(ignore_);
    EXPECT_EQ(state.sequence, newest);
    EXPECT_EQ(found.size(), state.sessions.size());
    EXPECT_EQ(found.size() - mine, start_count());
    EXPECT_EQ(log.append(state, entry(random_id<SessionId>(rng))), newest + 1) << "a third writer";
    for (std::uint64_t due = kCheckpointEvery; due <= newest; due += kCheckpointEvery) {
      EXPECT_TRUE(medium.objects().contains(checkpoint_name(due))) << due;
    }
  }

  std::size_t start_count() {
    std::size_t count = 0;
    for (const auto& [name, bytes] : start_.objects()) count += name.starts_with("log/") ? 1U : 0U;
    return count;
  }

  InterleavingOptions options_;
  int appends_;
  Keys keys_ = testing::test_keys();
  testing::FakeClock clock_;
  MemoryBackend start_;
  Log::Finding ignore_ = [](const std::string&, const std::string&) {};
  std::vector<std::vector<Attempt>> attempts_;
  std::vector<int> unreachable_;
};

void simulate(const char* what, InterleavingOptions options, int appends, int entries_before) {
  const auto schedules = AppendSimulation(std::move(options), appends, entries_before).run();
  std::printf("%s: %llu schedules\n", what, static_cast<unsigned long long>(schedules));
  EXPECT_GT(schedules, 50U);
}

TEST(SimulationTest, two_writers_in_every_order) {
  simulate("2 writers, 4 entries each", {}, 4, 0);
}

TEST(SimulationTest, three_writers_in_every_order) {
  simulate("3 writers, 1 entry each", {.writers = 3}, 1, 3);
  simulate("3 writers, 2 entries each, 3 switches", {.writers = 3, .switches_max = 3}, 2, 3);
}

TEST(SimulationTest, two_writers_with_a_fault_anywhere) {
  simulate("2 writers, 2 entries each, 1 fault", {.faults_max = 1}, 2, 1);
  simulate("2 writers, 3 entries each, 1 fault, 3 switches", {.faults_max = 1, .switches_max = 3},
           3, 1);
}

TEST(SimulationTest, two_writers_with_two_faults_anywhere) {
  simulate("2 writers, 2 entries each, 2 faults, 2 switches", {.faults_max = 2, .switches_max = 2},
           2, 0);
}

TEST(SimulationTest, two_writers_with_a_fault_across_a_checkpoint) {
  simulate("2 writers, 2 entries each, 1 fault, 2 switches, a checkpoint",
           {.faults_max = 1, .switches_max = 2}, 2, 14);
}

/// Whole sessions. What does not touch the log has names of its own, and takes no turn.
class SessionSimulation {
 public:
  explicit SessionSimulation(InterleavingOptions options) : options_(std::move(options)) {
    options_.takes_turn = [](const backend::Call& call) {
      return call.name.starts_with("log/") || call.name.starts_with("checkpoint/");
    };
    testing::create_repository(start_);
  }

  std::uint64_t run() {
    Interleaving interleaving(options_);
    for (;;) {
      MemoryBackend medium(start_.objects());
      committed_.assign(2, false);
      const bool more = interleaving.run_next(medium, [&](int number, backend::Backend& port) {
        MemoryBackend before(start_.objects());
        write(static_cast<std::size_t>(number), port);
      });
      if (!more) break;
      SCOPED_TRACE(interleaving.describe());
      check(medium, interleaving);
      if (::testing::Test::HasFailure()) break;
    }
    return interleaving.schedules();
  }

 private:
  static testing::Contents contents_of_writer(std::size_t number) {
    // Half of it is the same for both: they meet in the chunks as well.
    return {{"own", std::string(500, static_cast<char>('0' + number))}, {"same", "the same"}};
  }

  void write(std::size_t number, backend::Backend& port) {
    const auto repository = testing::open_repository(port, Access::write);
    testing::commit_contents(*repository, contents_of_writer(number));
    committed_[number] = true;
  }

  void check(MemoryBackend& medium, const Interleaving& interleaving) {
    const auto repository = testing::open_repository(medium);
    std::vector<testing::Contents> found;
    for (const Point& point : repository->points()) {
      found.push_back(testing::contents_of(*repository, point));
    }
    for (std::size_t i = 0; i < 2; ++i) {
      const auto count = std::count(found.begin(), found.end(), contents_of_writer(i));
      EXPECT_TRUE(committed_[i] || interleaving.met_fault(static_cast<int>(i)));
      EXPECT_GE(count, committed_[i] ? 1 : 0);
      EXPECT_LE(count, 1);
    }
    EXPECT_EQ(testing::damage_of(medium), "");
    const testing::Contents third{{"third", "writer"}};
    testing::commit_contents(*testing::open_repository(medium, Access::write), third);
    EXPECT_EQ(testing::open_repository(medium)->points().size(), found.size() + 1);
  }

  InterleavingOptions options_;
  MemoryBackend start_;
  std::vector<char> committed_;
};

TEST(SimulationTest, two_sessions_in_every_order_of_few_switches) {
  const auto schedules = SessionSimulation({.switches_max = 2}).run();
  std::printf("2 sessions, 2 switches: %llu schedules\n",
              static_cast<unsigned long long>(schedules));
  EXPECT_GT(schedules, 50U);
}

TEST(SimulationTest, two_sessions_with_a_fault_anywhere) {
  const auto schedules = SessionSimulation({.faults_max = 1, .switches_max = 0}).run();
  std::printf("2 sessions, 1 fault: %llu schedules\n", static_cast<unsigned long long>(schedules));
  EXPECT_GT(schedules, 50U);
}

}  // namespace
}  // namespace salvor::repo
