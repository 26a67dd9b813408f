// A restore in place, killed at every place where it can be: gone on with, it ends as if it had not
// been; taken back, everything is as before.

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "restore_ends.h"
#include "testing/deep.h"

namespace salvor::testing {
namespace {

namespace fs = std::filesystem;

void die() {
  ::kill(::getpid(), SIGKILL);
}

class KillEnds : public RestoreEnds {
 protected:
  using Expect = std::function<void(const Shop& shop, std::size_t place, bool other_host)>;

  void killed_anywhere(const Expect& expect) {
    killed_anywhere(
        restore_shop, places_, [](const Shop&) {}, expect);
  }

  /// Acts on a shop whose restore has succeeded.
  void killed_anywhere_after_it(Act act, const Expect& expect) {
    const auto restore = [this](const Shop& shop) {
      act_until(restore_shop, shop, SIZE_MAX, [] {});
    };
    const Shop whole = copy("counted");
    restore(whole);
    const std::size_t places = act_until(act, whole, SIZE_MAX, [] {});
    ASSERT_GT(places, 1U);
    killed_anywhere(act, places, restore, expect);
  }

 private:
  /// Every third time the catalog is lost, every third time another host goes on.
  void killed_anywhere(Act act, std::size_t places, const std::function<void(const Shop&)>& prepare,
                       const Expect& expect) {
    for (std::size_t place = 0; place < places; ++place) {
      SCOPED_TRACE("killed at place " + std::to_string(place));
      const Shop shop = copy("killed");
      prepare(shop);
      die_at(act, shop, place, places, die);
      if (place % 3 == 1) fs::remove_all(shop.root() / "state");
      expect(shop, place, place % 3 == 2);
      fs::remove_all(shop.root());
    }
  }
};

/// The parameter: written over the live data (--in-place-delta), instead of beside it.
class RestoreKillTest : public KillEnds, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override { prepare(scratch_.path(), GetParam()); }
};

/// How many the repository has.
std::size_t records_of_journals(const Shop& shop) {
  const fs::recursive_directory_iterator files(shop.root() / "repository/journal");
  return static_cast<std::size_t>(
      std::ranges::count_if(files, [](const auto& entry) { return entry.is_regular_file(); }));
}

/// Written over the live data.
class OlderCopyKillTest : public KillEnds {
 protected:
  void SetUp() override {
    with_catalog_ = true;
    prepare(scratch_.path(), true);
  }
};

TEST_F(OlderCopyKillTest, KilledAnywhereItLosesNothingWithTheNewestCopyOfTheRepository) {
  const auto step = static_cast<std::size_t>(repetitions(3, 1));
  for (std::size_t place = 0; place < places_; place += step) {
    SCOPED_TRACE("killed at place " + std::to_string(place));
    const Shop shop = copy("killed");
    die_at(restore_shop, shop, place, places_, die);
    expect_survives_older_copy(shop);
    fs::remove_all(shop.root());
  }
}

TEST_F(OlderCopyKillTest, ARunThatAnotherKeepsOutSaysNothingInItsJournal) {
  const Shop shop = copy("killed");
  const auto die_at_place = [&](const std::string& run, std::string_view last) {
    ShopRestore restore;
    restore.run = run;
    restore.in_place_delta = true;
    restore.with_catalog = run == kShopRun;
    restore.reach = [last](std::string_view place) {
      if (place == last) die();
    };
    Child child([&] { restore_shop(shop, restore); });
    EXPECT_EQ(child.wait(), -SIGKILL);
  };
  die_at_place(kShopRun, "safety-snapshot:done");
  fs::remove_all(shop.root() / "repository");
  fs::copy(template_.root() / "repository", shop.root() / "repository",
           fs::copy_options::recursive);
  // Of a machine that has not seen the newer copy.
  die_at_place("20260203t040506-00000002", "claimed");
  const config::Config config = shop.config();
  control::VerifyRequest accept;
  accept.accept_older = control::verify(config, {}, {}).repository;
  control::verify(config, accept, {});
  const std::size_t before = records_of_journals(shop);
  try {
    control::resume_restore(config, continue_run(), {});
    FAIL() << "it was resumed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict) << error.what();
  }
  EXPECT_EQ(records_of_journals(shop), before);
}

/// A store that lies within another, and a database in WAL mode.
class NestedRestoreKillTest : public KillEnds {
 protected:
  void SetUp() override {
    ShopCommands commands;
    commands.nested = true;
    commands.wal = true;
    commands.rebuild =
        R"(for f in "$SALVOR_STORE_MEDIA"/media/thumbs/*; do echo again > "$f"; done)";
    prepare(scratch_.path(), false, std::move(commands));
  }
};

TEST_F(NestedRestoreKillTest, KilledAnywhereItCanBeGoneOnWith) {
  killed_anywhere([this](const Shop& shop, std::size_t place, bool other_host) {
    expect_resumes(shop, place, other_host);
  });
}

TEST_F(NestedRestoreKillTest, KilledAnywhereItCanBeTakenBack) {
  killed_anywhere([this](const Shop& shop, std::size_t place, bool other_host) {
    expect_goes_back(shop, place, other_host);
  });
}

TEST_F(NestedRestoreKillTest, AnUndoThatIsKilledAnywhereIsUndoneFurther) {
  killed_anywhere_after_it(undo_shop, [this](const Shop& shop, std::size_t, bool other_host) {
    expect_goes_back(shop, SIZE_MAX, other_host);
  });
}

TEST_P(RestoreKillTest, KilledAnywhereItCanBeGoneOnWith) {
  killed_anywhere([this](const Shop& shop, std::size_t place, bool other_host) {
    expect_resumes(shop, place, other_host);
  });
}

TEST_P(RestoreKillTest, KilledAnywhereItCanBeTakenBack) {
  killed_anywhere([this](const Shop& shop, std::size_t place, bool other_host) {
    expect_goes_back(shop, place, other_host);
  });
}

/// Not at the places that are called so, but in the middle of anything: a write, a command.
TEST_P(RestoreKillTest, KilledAtAnyMoment) {
  const int moments = repetitions(24, 240);
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  const auto begin = Clock::system().monotonic();
  act_until(restore_shop, copy("timed"), SIZE_MAX, [] {});
  const double whole_s = Clock::system().monotonic().seconds_since(begin);
  for (int i = 0; i < moments; ++i) {
    const double after_s = whole_s * i / moments;
    SCOPED_TRACE("killed after " + std::to_string(after_s) + " s");
    const Shop shop = copy("killed");
    Child child([&] { act_until(restore_shop, shop, SIZE_MAX, [] {}); });
    ::usleep(static_cast<useconds_t>(after_s * 1e6));
    ::kill(child.pid(), SIGKILL);
    child.wait();
    // Its command goes on for a moment, as a child of this process now.
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    constexpr std::size_t kPerhapsNotBegun = 0;
    if (i % 2 == 0) {
      expect_resumes(shop, kPerhapsNotBegun, i % 3 == 2);
    } else {
      expect_goes_back(shop, kPerhapsNotBegun, i % 3 == 2);
    }
    fs::remove_all(shop.root());
  }
}

TEST_P(RestoreKillTest, AnUndoThatIsKilledAnywhereIsUndoneFurther) {
  killed_anywhere_after_it(undo_shop, [this](const Shop& shop, std::size_t, bool other_host) {
    expect_goes_back(shop, SIZE_MAX, other_host);
  });
}

TEST_P(RestoreKillTest, ACloseThatIsKilledAnywhereIsClosedFurther) {
  killed_anywhere_after_it(close_shop, [this](const Shop& shop, std::size_t, bool other_host) {
    expect_closes(shop, other_host);
  });
}

TEST_P(RestoreKillTest, WhatIsFinishedIsNotDoneTwice) {
  const Shop shop = copy("once");
  act_until(restore_shop, shop, SIZE_MAX, [] {});
  const auto report = control::resume_restore(shop.config(), continue_run(), {});
  EXPECT_FALSE(report.outcome.acted);
  std::ifstream returned(shop.root() / "returned");
  std::string lines((std::istreambuf_iterator<char>(returned)), {});
  EXPECT_EQ(lines, "returned\n");
}

INSTANTIATE_TEST_SUITE_P(How, RestoreKillTest, ::testing::Bool(),
                         [](const auto& how) { return how.param ? "in_place_delta" : "beside"; });

}  // namespace
}  // namespace salvor::testing
