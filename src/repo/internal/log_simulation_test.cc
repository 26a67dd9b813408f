#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "backend/memory.h"
#include "codec/wire.h"
#include "repo/internal/object.h"
#include "repo/internal/signed_log.h"
#include "testing/deep.h"
#include "testing/fake_clock.h"
#include "testing/interleaving.h"
#include "testing/seeded_rng.h"
#include "testing/vault_authors.h"

/// How entries are appended, in every order of the calls of several authors, with late puts, lost
/// answers, deaths, and one entry that the medium loses.
namespace salvor::repo {
namespace {

using backend::MemoryBackend;
using testing::Interleaving;
using testing::SeededRng;

/// What is simulated.
struct LogCase {
  std::vector<int> appends;     ///< how many each author appends
  std::set<int> granted = {};   ///< authors with granted keys
  bool loses_an_entry = false;  ///< the medium, one that is not the newest
  bool has_thief = false;       ///< a granted key appends one entry with a false copy
  LogMistake mistake = LogMistake::none;
  int faults_max = 1;
  int switches_max = 3;
  bool calls_fail = true;  ///< else only the medium and the thief do something
};

class LogSimulation {
 public:
  explicit LogSimulation(LogCase what) : what_(std::move(what)) {
    for (std::size_t i = 0; i < what_.appends.size(); ++i) {
      const bool granted = what_.granted.contains(static_cast<int>(i));
      keys_.push_back(granted ? authors_.granted(host_of(i)) : authors_.full());
    }
    VaultState state = authors_.empty();
    SeededRng rng(7);
    SignedLog log(start_, owner_, clock_, rng);
    std::set<std::string> hosts;
    for (const int author : what_.granted) hosts.insert(host_of(static_cast<std::size_t>(author)));
    if (what_.has_thief) hosts.insert("thief");
    hosts.insert("somebody");  // so that the log is never empty
    for (const std::string& host : hosts) {
      const AuthorKey key = authors_.granted(host).author(0);
      log.append(state, [&](const VaultState&) { return KeyChange{key, host, false}; });
    }
    before_ = state.number();
    start_state_ = state;
  }

  /// Shape: how many schedules were run; the first one that goes wrong ends it.
  std::uint64_t run() {
    Interleaving interleaving(
        {.writers = static_cast<int>(keys_.size()),
         .faults_max = what_.faults_max,
         .switches_max = what_.switches_max,
         .faults = [this](const backend::Call& call) { return faults_of(call); },
         .events = [this] { return events(); }});
    while (wrong_.empty()) {
      MemoryBackend medium(start_.objects());
      medium_ = &medium;
      lost_ = 0;
      thief_has_written_ = false;
      done_.assign(keys_.size(), {});
      const bool more = interleaving.run_next(medium, [&](int number, backend::Backend& port) {
        write(static_cast<std::size_t>(number), port);
      });
      if (!more) break;
      check(medium, interleaving);
      if (!wrong_.empty()) wrong_ += "; " + interleaving.describe();
    }
    return interleaving.schedules();
  }

  /// Empty: nothing went wrong.
  const std::string& wrong() const { return wrong_; }

 private:
  struct Acknowledged {
    std::uint64_t number;
    std::string mark;
  };
  struct Done {
    std::vector<Acknowledged> acknowledged;
    std::uint64_t folded = 0;  ///< how far the author's own state came
    codec::Digest head{};
    std::string failure;
  };

  static std::string host_of(std::size_t author) { return "host" + std::to_string(author); }

  void write(std::size_t number, backend::Backend& port) {
    SeededRng rng(number);
    SignedLog log(port, keys_[number], clock_, rng, what_.mistake);
    VaultState state = *start_state_;
    Done& done = done_[number];
    const auto note = [&] {
      done.folded = state.number();
      done.head = state.head();
    };
    try {
      for (int i = 0; i < what_.appends[number]; ++i) {
        const std::string mark = host_of(number) + "." + std::to_string(i);
        const std::uint64_t at = log.append(state, [&](const VaultState&) {
          return Begin{mark, ""};
        });
        done.acknowledged.push_back({at, mark});
        note();
      }
    } catch (const Error& error) {
      note();
      if (error.code() != ErrorCode::unreachable) done.failure = error.message();
    }
  }

  /// A death after a call is one before the next call, and an author whose read gets no answer
  /// stops as if it had died.
  std::vector<testing::Turn> faults_of(const backend::Call& call) const {
    using testing::Turn;
    if (!what_.calls_fail) return {};
    if (call.operation != backend::Operation::put) return {Turn::die_before};
    return {Turn::die_after, Turn::lose_answer, Turn::late};
  }

  std::uint64_t newest_named() const {
    std::uint64_t count = before_;
    for (const auto& [name, bytes] : medium_->objects()) {
      count = std::max<std::uint64_t>(count, std::stoull(name.substr(name.rfind('/') + 1)));
    }
    return count;
  }

  std::string name_of(std::uint64_t number) {
    SeededRng rng(7);
    return SignedLog(*medium_, owner_, clock_, rng).name_of(number);
  }

  /// What the medium and the thief may do now.
  std::vector<std::function<void()>> events() {
    std::vector<std::function<void()>> result;
    const std::uint64_t newest = newest_named();
    for (std::uint64_t n = before_ + 1; what_.loses_an_entry && lost_ == 0 && n < newest; ++n) {
      if (!medium_->objects().contains(name_of(n))) continue;
      result.emplace_back([this, n] {
        medium_->remove(name_of(n));
        lost_ = n;
      });
    }
    if (what_.has_thief && !thief_has_written_ && newest > before_ &&
        medium_->objects().contains(name_of(newest))) {
      for (const char* follower : {"thief", "nobody"}) {
        result.emplace_back([this, newest, follower] { forge(newest, follower); });
        result.emplace_back([this, newest, follower] { forge(newest + 1, follower); });
      }
    }
    return result;
  }

  /// The thief says in entry n+1 that entry n is another one, of its own; also where there is none
  /// yet, and with a key that nobody knows.
  void forge(std::uint64_t number, const std::string& follower) {
    thief_has_written_ = true;
    SeededRng rng(99);
    const LogKeys thief = authors_.granted("thief");
    VaultState state = *start_state_;
    SignedLog log(*medium_, owner_, clock_, rng);
    while (state.number() + 1 < number) {
      const auto entry = log.next_after(state);
      if (!entry) return;
      state.fold(*entry);
    }
    const Bytes other = signed_by(thief, number, state.head(), "other", rng);
    const Bytes false_one = signed_by(authors_.granted(follower), number + 1,
                                      digest_of_log(state.head(), other), "false", rng);
    codec::WireWriter content;
    content.field(1, false_one);
    content.field(2, other);
    const std::string name = name_of(number + 1);
    medium_->put_if_absent(name,
                           seal_object(thief, ObjectType::log_entry, name, content.view(), rng));
  }

  static Bytes signed_by(const LogKeys& keys, std::uint64_t number, const codec::Digest& before,
                         const std::string& host, Rng& rng) {
    SignedEntry entry;
    entry.nonce = random_id<EntryNonce>(rng);
    entry.before = before;
    entry.author = keys.author(0);
    entry.body = Begin{host, ""};
    return sign_entry(keys.log(), number, entry, keys.signing_key(0));
  }

  void fail(const std::string& what) {
    if (wrong_.empty()) wrong_ = what;
  }

  void check(MemoryBackend& medium, const Interleaving& interleaving) {
    SeededRng rng(7);
    SignedLog log(medium, owner_, clock_, rng);
    VaultState state = *start_state_;
    std::map<std::uint64_t, std::pair<codec::Digest, std::string>> truth;
    truth[state.number()] = {state.head(), ""};
    std::set<std::string> marks;
    try {
      while (const auto entry = log.next_after(state)) {
        const bool right = state.fold(*entry);
        std::string mark;
        if (right) mark = state.open_sessions().at(state.number()).who.host;
        if (right && !marks.insert(mark).second) fail(mark + " is there twice");
        truth[state.number()] = {state.head(), mark};
      }
      log.follow(state);
    } catch (const Error& error) {
      return fail("nobody can read the log: " + error.message());
    }
    for (std::size_t i = 0; i < done_.size(); ++i) check_author(i, truth, interleaving);
    if (lost_ != 0 && lost_ < state.number()) check_that_it_can_be_put_again(log);
  }

  void check_author(std::size_t author, const auto& truth, const Interleaving& interleaving) {
    const Done& done = done_[author];
    if (!done.failure.empty()) return fail(host_of(author) + " failed: " + done.failure);
    for (const Acknowledged& each : done.acknowledged) {
      const auto at = truth.find(each.number);
      if (at == truth.end() || at->second.second != each.mark) {
        fail("entry " + std::to_string(each.number) + ", acknowledged as " + each.mark +
             ", is not in force");
      }
    }
    const auto folded = truth.find(done.folded);
    const bool nothing = done.folded == 0 && done.head == codec::Digest{};
    if (!nothing && (folded == truth.end() || folded->second.first != done.head)) {
      fail(host_of(author) + " has folded what is not in force");
    }
    const bool finished =
        done.acknowledged.size() == static_cast<std::size_t>(what_.appends[author]);
    if (!finished && !interleaving.met_fault(static_cast<int>(author))) {
      fail(host_of(author) + " met no fault, and did not finish");
    }
  }

  void check_that_it_can_be_put_again(SignedLog& log) {
    VaultState state = authors_.empty();
    while (state.number() + 1 < lost_) state.fold(log.next_after(state).value());
    if (medium_->objects().contains(name_of(lost_))) return;  // a late put came into its place
    if (!log.put_again(lost_, state)) fail("the lost entry was not put again");
    if (!medium_->objects().contains(name_of(lost_))) fail("the lost entry is not there again");
  }

  const LogCase what_;
  testing::VaultAuthors authors_;
  LogKeys owner_ = authors_.full();
  std::vector<LogKeys> keys_;
  testing::FakeClock clock_;
  MemoryBackend start_;
  MemoryBackend* medium_ = nullptr;
  std::uint64_t before_ = 0;  ///< entries at the start
  std::optional<VaultState> start_state_;
  std::uint64_t lost_ = 0;
  bool thief_has_written_ = false;
  std::vector<Done> done_;
  std::string wrong_;
};

void expect_clean(const char* name, LogCase what) {
  LogSimulation simulation(std::move(what));
  const std::uint64_t schedules = simulation.run();
  std::printf("%s: %llu schedules\n", name, static_cast<unsigned long long>(schedules));
  EXPECT_EQ(simulation.wrong(), "") << name;
  EXPECT_GT(schedules, 50U);
}

void expect_found(const char* name, LogCase what) {
  LogSimulation simulation(std::move(what));
  const std::uint64_t schedules = simulation.run();
  std::printf("%s: found after %llu schedules: %s\n", name,
              static_cast<unsigned long long>(schedules), simulation.wrong().c_str());
  EXPECT_NE(simulation.wrong(), "") << name;
}

/// More in `./dev deep tests`.
int switches() {
  return testing::repetitions(1, 3);
}

TEST(LogSimulationTest, two_authors_and_a_fault) {
  expect_clean("2 x 2, 1 fault", {.appends = {2, 2}, .switches_max = switches()});
}

TEST(LogSimulationTest, two_authors_and_a_lost_entry) {
  expect_clean(
      "2 x 2, an entry is lost",
      {.appends = {2, 2}, .loses_an_entry = true, .switches_max = switches(), .calls_fail = false});
  expect_clean("2 x 2, an entry is lost, and a fault", {.appends = {2, testing::repetitions(1, 2)},
                                                        .loses_an_entry = true,
                                                        .faults_max = testing::repetitions(1, 2),
                                                        .switches_max = 1});
}

TEST(LogSimulationTest, three_authors) {
  expect_clean("3 x 1", {.appends = {1, 1, 1}, .switches_max = switches(), .calls_fail = false});
  expect_clean("3 x 1, 1 fault",
               {.appends = {1, 1, 1}, .switches_max = testing::repetitions(0, 2)});
}

TEST(LogSimulationTest, a_granted_author_among_full_ones) {
  expect_clean(
      "2 and 1 granted, an entry is lost",
      {.appends = {2, 1}, .granted = {1}, .loses_an_entry = true, .switches_max = switches()});
}

TEST(LogSimulationTest, a_thief_with_a_false_copy) {
  expect_clean(
      "2 and 1, a thief",
      {.appends = {2, 1}, .has_thief = true, .switches_max = switches(), .calls_fail = false});
  expect_clean("1 and 1, a thief, and a fault", {.appends = {testing::repetitions(1, 2), 1},
                                                 .has_thief = true,
                                                 .faults_max = 2,
                                                 .switches_max = testing::repetitions(0, 2)});
}

TEST(LogSimulationTest, who_believes_the_answer_is_found_out) {
  expect_found("believes the answer", {.appends = {1, 2},
                                       .loses_an_entry = true,
                                       .mistake = LogMistake::believes_the_answer,
                                       .switches_max = 1,
                                       .calls_fail = false});
}

TEST(LogSimulationTest, who_believes_every_copy_is_found_out) {
  expect_found("believes every copy", {.appends = {1, 1},
                                       .has_thief = true,
                                       .mistake = LogMistake::believes_every_copy,
                                       .calls_fail = false});
}

TEST(LogSimulationTest, who_believes_a_copy_over_a_hole_is_found_out) {
  expect_found("believes a copy over a hole", {.appends = {2, 1},
                                               .has_thief = true,
                                               .mistake = LogMistake::believes_over_a_hole,
                                               .switches_max = 1,
                                               .calls_fail = false});
}

TEST(LogSimulationTest, who_believes_no_copy_of_a_granted_key_is_found_out) {
  expect_found("believes no granted copy", {.appends = {1, 2},
                                            .granted = {1},
                                            .loses_an_entry = true,
                                            .mistake = LogMistake::believes_no_copy_of_granted,
                                            .faults_max = 2,
                                            .switches_max = 1});
}

}  // namespace
}  // namespace salvor::repo
