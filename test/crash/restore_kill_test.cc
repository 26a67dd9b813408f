// A restore in place, killed at every place where it can be: gone on with, it ends as if it had not
// been; taken back, everything is as before.

#include <unistd.h>

#include <csignal>
#include <fstream>

#include "restore_ends.h"

namespace salvor::testing {
namespace {

namespace fs = std::filesystem;

void die() {
  ::kill(::getpid(), SIGKILL);
}

/// The parameter: written over the live data (--in-place-delta), instead of beside it.
class RestoreKillTest : public RestoreEnds, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override { prepare(scratch_.path(), GetParam()); }

  /// Every third time the catalog is lost, every third time another host goes on.
  template <class Expect>
  void killed_anywhere(const Expect& expect) {
    for (std::size_t place = 0; place < places_; ++place) {
      SCOPED_TRACE("killed at place " + std::to_string(place));
      const Shop shop = copy("killed");
      die_at(shop, place, die);
      if (place % 3 == 1) fs::remove_all(shop.root() / "state");
      expect(shop, place, place % 3 == 2);
      fs::remove_all(shop.root());
    }
  }
};

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

TEST_P(RestoreKillTest, WhatIsFinishedIsNotDoneTwice) {
  const Shop shop = copy("once");
  restore_until(shop, SIZE_MAX, [] {});
  const auto report = control::resume_restore(shop.config(), continue_run(), {});
  EXPECT_FALSE(report.outcome.acted);
  std::ifstream returned(shop.root() / "returned");
  std::string lines((std::istreambuf_iterator<char>(returned)), {});
  EXPECT_EQ(lines, "returned\n");
}

INSTANTIATE_TEST_SUITE_P(How, RestoreKillTest, ::testing::Bool(), [](const auto& how) {
  return how.param ? "in_place_delta" : "beside";
});

}  // namespace
}  // namespace salvor::testing
