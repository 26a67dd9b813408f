#include "testing/target_contract.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "testing/tree_compare.h"

namespace salvor::testing {
namespace {

namespace fs = std::filesystem;
using stores::Replacement;
using stores::ReplacementFaults;

constexpr std::int64_t kWaitMs = 2'000;
constexpr int kStepsMax = 200;
constexpr int kKilled = 42;

/// The kills take many copies: where nothing waits for a disk, if there is such.
fs::path scratch_parent() {
  return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

/// One store with its two states, and a copy of the first.
class Scene {
 public:
  explicit Scene(const MakeTargetSubject& make) : home_(scratch_parent(), "salvor-target-") {
    fs::create_directory(home_.path() / "place");
    subject_ = make(home_.path() / "place");
  }
  ~Scene() {
    subject_.reset();
    empty_tree(home_.path());
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  TargetSubject& subject() { return *subject_; }

  /// The second state is live, and the workplace holds a copy of the first.
  void prepare() {
    subject_->make_first();
    first = subject_->describe(subject_->live());
    taken_ = subject_->take();
    subject_->make_second();
    second = subject_->describe(subject_->live());
    ASSERT_NE(first, second);
    make_copy();
  }
  /// The same, with nothing live.
  void prepare_gone() {
    subject_->make_first();
    first = subject_->describe(subject_->live());
    taken_ = subject_->take();
    subject_->remove();
    second.clear();
    make_copy();
  }
  void make_copy() {
    const auto replacing = replacement();
    replacing->provision();
    const auto sink = replacing->sink(stores::Recognise::by_status);
    put_all(taken_, *sink, true);
    EXPECT_EQ(subject_->describe(replacing->copy().path), first);
  }

  std::unique_ptr<Replacement> replacement(const ReplacementFaults& faults = {}) {
    return subject_->target(faults)->replacement("r1", "store");
  }

  /// Whether `work` got through in another process, which is killed before step `step`.
  bool survives(int step, bool can_exchange, const std::function<void(Replacement&)>& work) {
    const pid_t child = fork();
    if (child == 0) {
      int seen = 0;
      ReplacementFaults faults;
      faults.can_exchange_names = can_exchange;
      faults.before_step = [&](std::string_view) {
        if (seen++ == step) _exit(kKilled);
      };
      try {
        work(*replacement(faults));
      } catch (const Error& error) {
        fprintf(stderr, "child: %s\n", error.what());
        _exit(1);
      }
      _exit(0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == kKilled);
    return WEXITSTATUS(status) == 0;
  }

  void expect_live(const std::string& expected) {
    EXPECT_EQ(subject_->describe(subject_->live()), expected);
  }
  std::set<std::string> beside_live() {
    std::set<std::string> names;
    const fs::path parent = subject_->live().parent_path();
    if (!fs::exists(parent)) return names;
    for (const auto& entry : fs::directory_iterator(parent)) names.insert(entry.path().filename());
    names.erase(subject_->live().filename());
    return names;
  }

  std::string first;
  std::string second;

 private:
  const TemporaryDirectory home_;
  std::unique_ptr<TargetSubject> subject_;
  Taken taken_;
};

std::optional<ErrorCode> code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

void is_identified(const MakeTargetSubject& make) {
  Scene scene(make);
  scene.subject().make_first();
  const auto target = scene.subject().target({});
  const stores::TargetIdentity identity = target->identify(60'000);
  EXPECT_EQ(identity.path, scene.subject().live().native());
  EXPECT_TRUE(identity.exists);
  EXPECT_TRUE(identity.counted);
  EXPECT_GT(identity.bytes, 0U);
  EXPECT_GT(identity.entries, 0U);
  EXPECT_NE(identity.identity, "");
  EXPECT_TRUE(identity.holders.empty());
  scene.subject().remove();
  EXPECT_FALSE(target->identify(60'000).exists);
}

void is_replaced_and_goes_back(const MakeTargetSubject& make) {
  Scene scene(make);
  scene.prepare();
  const auto replacement = scene.replacement();
  EXPECT_TRUE(replacement->state().provisioned);
  EXPECT_FALSE(replacement->state().cut_over);
  scene.expect_live(scene.second);
  replacement->cut_over(kWaitMs);
  replacement->cut_over(kWaitMs);
  EXPECT_TRUE(replacement->state().cut_over);
  EXPECT_EQ(replacement->copy().path, scene.subject().live());
  scene.expect_live(scene.first);
  replacement->swap_back(kWaitMs);
  replacement->swap_back(kWaitMs);
  EXPECT_FALSE(scene.replacement()->state().cut_over);
  scene.expect_live(scene.second);
  EXPECT_EQ(scene.subject().describe(replacement->copy().path), scene.first);
  replacement->cut_over(kWaitMs);
  scene.expect_live(scene.first);
  replacement->swap_back(kWaitMs);
  replacement->discard_copy();
  replacement->discard_copy();
  scene.expect_live(scene.second);
  EXPECT_EQ(scene.beside_live(), std::set<std::string>{});
  EXPECT_FALSE(replacement->state().provisioned);
}

void is_replaced_for_good(const MakeTargetSubject& make) {
  Scene scene(make);
  scene.prepare();
  const auto replacement = scene.replacement();
  EXPECT_EQ(code_of([&] { replacement->discard_old(); }), ErrorCode::conflict);
  replacement->cut_over(kWaitMs);
  EXPECT_EQ(code_of([&] { replacement->discard_copy(); }), ErrorCode::conflict);
  replacement->discard_old();
  replacement->discard_old();
  scene.expect_live(scene.first);
  EXPECT_EQ(scene.beside_live(), std::set<std::string>{});
}

void comes_back_from_nothing(const MakeTargetSubject& make) {
  for (const bool undo : {false, true}) {
    for (int step = 0; step < kStepsMax; ++step) {
      Scene scene(make);
      scene.prepare_gone();
      const bool done = scene.survives(step, true, [](auto& each) { each.cut_over(kWaitMs); });
      const auto replacement = scene.replacement();
      if (undo) {
        replacement->swap_back(kWaitMs);
        scene.expect_live("");
        EXPECT_EQ(scene.subject().describe(replacement->copy().path), scene.first);
        replacement->discard_copy();
      } else {
        replacement->cut_over(kWaitMs);
        scene.expect_live(scene.first);
        replacement->discard_old();
        scene.expect_live(scene.first);
      }
      EXPECT_EQ(scene.beside_live(), std::set<std::string>{});
      if (done) break;
      ASSERT_LT(step + 1, kStepsMax);
    }
  }
}

void what_was_written_since_stays(const MakeTargetSubject& make) {
  Scene scene(make);
  scene.prepare();
  const auto replacement = scene.replacement();
  replacement->cut_over(kWaitMs);
  scene.subject().write(scene.subject().live());
  const std::string written = scene.subject().describe(scene.subject().live());
  ASSERT_NE(written, scene.first);
  replacement->swap_back(kWaitMs);
  EXPECT_EQ(scene.subject().describe(replacement->copy().path), written);
}

void is_replaced_through_a_symlink(const MakeTargetSubject& make) {
  Scene scene(make);
  scene.prepare();
  const fs::path real = scene.subject().live();
  const fs::path elsewhere = real.parent_path() / "moved";
  fs::create_directory(elsewhere);
  scene.replacement()->discard_copy();
  fs::rename(real, elsewhere / "real");
  fs::create_symlink("moved/real", real);
  scene.make_copy();
  const auto replacement = scene.replacement();
  EXPECT_EQ(replacement->workplace().path.parent_path(), elsewhere);
  replacement->cut_over(kWaitMs);
  EXPECT_TRUE(fs::is_symlink(real));
  scene.expect_live(scene.first);
  replacement->swap_back(kWaitMs);
  EXPECT_EQ(scene.subject().describe(elsewhere / "real"), scene.second);
}

/// Killed before each step of a cut-over, and of a swap back; then finished, or undone.
void kill_each_step(const MakeTargetSubject& make, bool can_exchange) {
  for (const bool in_swap_back : {false, true}) {
    for (const bool goes_back : {false, true}) {
      for (int step = 0; step < kStepsMax; ++step) {
        SCOPED_TRACE((in_swap_back ? "swap_back" : "cut_over") + std::string(", step ") +
                     std::to_string(step) + (goes_back ? ", then back" : ", then on"));
        Scene scene(make);
        scene.prepare();
        if (in_swap_back) scene.replacement()->cut_over(kWaitMs);
        const bool done = scene.survives(step, can_exchange, [&](Replacement& each) {
          in_swap_back ? each.swap_back(kWaitMs) : each.cut_over(kWaitMs);
        });
        // Whoever opens the store now sees the one or the other.
        const std::string live = scene.subject().describe(scene.subject().live());
        const bool may_be_empty = !can_exchange || scene.subject().may_be_shut();
        EXPECT_TRUE(live == scene.first || live == scene.second || (live.empty() && may_be_empty))
            << live;
        ReplacementFaults faults;
        faults.can_exchange_names = can_exchange;
        const auto replacement = scene.replacement(faults);
        goes_back ? replacement->swap_back(kWaitMs) : replacement->cut_over(kWaitMs);
        EXPECT_EQ(replacement->state().cut_over, !goes_back);
        scene.expect_live(goes_back ? scene.second : scene.first);
        goes_back ? replacement->discard_copy() : replacement->discard_old();
        scene.expect_live(goes_back ? scene.second : scene.first);
        EXPECT_EQ(scene.beside_live(), std::set<std::string>{});
        if (::testing::Test::HasFailure()) return;
        if (done) break;
        ASSERT_LT(step + 1, kStepsMax);
      }
    }
  }
}

void survives_kills(const MakeTargetSubject& make) {
  kill_each_step(make, true);
}

void survives_kills_without_exchange(const MakeTargetSubject& make) {
  kill_each_step(make, false);
}

void survives_kills_while_it_is_made_or_discarded(const MakeTargetSubject& make) {
  for (const bool old : {false, true}) {
    for (int step = 0; step < kStepsMax; ++step) {
      Scene scene(make);
      scene.prepare();
      if (old) scene.replacement()->cut_over(kWaitMs);
      const bool done = scene.survives(
          step, true, [&](auto& each) { old ? each.discard_old() : each.discard_copy(); });
      old ? scene.replacement()->discard_old() : scene.replacement()->discard_copy();
      scene.expect_live(old ? scene.first : scene.second);
      EXPECT_EQ(scene.beside_live(), std::set<std::string>{});
      if (done) break;
    }
  }
  for (int step = 0; step < kStepsMax; ++step) {
    Scene scene(make);
    scene.prepare();
    scene.replacement()->discard_copy();
    const bool done = scene.survives(step, true, [&](auto& each) { each.provision(); });
    scene.make_copy();
    scene.replacement()->cut_over(kWaitMs);
    scene.expect_live(scene.first);
    if (done) break;
  }
}

class TargetContractTest : public ::testing::Test {
 public:
  using Body = void (*)(const MakeTargetSubject&);
  TargetContractTest(Body body, const MakeTargetSubject& make) : body_(body), make_(make) {}
  void TestBody() override { body_(make_); }

 private:
  const Body body_;
  const MakeTargetSubject make_;
};

}  // namespace

bool register_target_contract(const std::string& name, MakeTargetSubject make) {
  const std::vector<std::pair<const char*, TargetContractTest::Body>> tests = {
      {"IsIdentified", is_identified},
      {"IsReplacedAndGoesBack", is_replaced_and_goes_back},
      {"IsReplacedForGood", is_replaced_for_good},
      {"ComesBackFromNothing", comes_back_from_nothing},
      {"WhatWasWrittenSinceStays", what_was_written_since_stays},
      {"IsReplacedThroughASymlink", is_replaced_through_a_symlink},
      {"SurvivesKills", survives_kills},
      {"SurvivesKillsWithoutExchange", survives_kills_without_exchange},
      {"SurvivesKillsWhileItIsMadeOrDiscarded", survives_kills_while_it_is_made_or_discarded},
  };
  for (const auto& [test, body] : tests) {
    ::testing::RegisterTest(("TargetContract/" + name).c_str(), test, nullptr, nullptr, __FILE__,
                            __LINE__, [body = body, make]() -> TargetContractTest* {
                              return new TargetContractTest(body, make);
                            });
  }
  return true;
}

}  // namespace salvor::testing
