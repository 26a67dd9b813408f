// The machine loses its power: what was not made durable is gone. A backup and a restore in place,
// on a real file system that drops it, at every place where they can be cut off.

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "backend/fault.h"
#include "backend/local.h"
#include "disks.h"
#include "restore_ends.h"
#include "scratch.h"

namespace salvor::testing {
namespace {

namespace fs = std::filesystem;

void lose_power_of(const PowerDisk& disk) {
  disk.lose_power();
  ::kill(::getpid(), SIGKILL);
}

/// Copies of one disk, each to be ruined.
class Disks {
 public:
  explicit Disks(const fs::path& scratch) : scratch_(scratch) {}

  /// Whether there can be any.
  bool permitted() const { return PowerDisk::make(original()); }
  PowerDisk first() const { return PowerDisk(original(), scratch_ / "disk"); }
  PowerDisk another() const {
    const fs::path copy = original().native() + ".copy";
    // A new file each time: where the machine is slow to let go of the disk before, whose file this
    // was, mount would take that disk for this one.
    fs::remove(copy);
    shell("cp --sparse=always '" + original().native() + "' '" + copy.native() + "'");
    return PowerDisk(copy, scratch_ / "disk");
  }

 private:
  fs::path original() const { return scratch_ / "image"; }
  const fs::path scratch_;
};

class RestorePowerLossTest : public RestoreEnds {
 protected:
  /// False: not permitted here.
  bool prepare_disks(bool in_place_delta = false) {
    if (!disks_.permitted()) return false;
    const PowerDisk disk = disks_.first();
    prepare(disk.at(), in_place_delta);
    fs::remove_all(disk.at() / "whole");
    return true;
  }

  template <class Expect>
  void cut_off_anywhere(const Expect& expect) {
    cut_off_anywhere(restore_shop, places_, expect);
  }

  /// Of a shop whose restore has succeeded.
  template <class Expect>
  void cut_off_anywhere_after_it(Act act, const Expect& expect) {
    {
      const PowerDisk disk = disks_.first();
      act_until(restore_shop, template_, SIZE_MAX, [] {});
    }
    std::size_t places = 0;
    {
      const PowerDisk disk = disks_.another();
      places = act_until(act, template_, SIZE_MAX, [] {});
    }
    ASSERT_GT(places, 1U);
    cut_off_anywhere(act, places, expect);
  }

 private:
  template <class Expect>
  void cut_off_anywhere(Act act, std::size_t places, const Expect& expect) {
    for (std::size_t place = 0; place < places; ++place) {
      SCOPED_TRACE("no power from place " + std::to_string(place));
      PowerDisk disk = disks_.another();
      die_at(act, template_, place, places, [&] { lose_power_of(disk); });
      disk.mount_again();
      expect(template_, place);
    }
  }

  const Disks disks_{scratch_.path()};
};

TEST_F(RestorePowerLossTest, WithoutPowerAnywhereItCanBeGoneOnWith) {
  if (!prepare_disks()) GTEST_SKIP() << "not permitted to mount a file system";
  cut_off_anywhere([this](const Shop& shop, std::size_t place) { expect_resumes(shop, place); });
}

TEST_F(RestorePowerLossTest, WithoutPowerAnywhereItCanBeTakenBack) {
  if (!prepare_disks()) GTEST_SKIP() << "not permitted to mount a file system";
  cut_off_anywhere([this](const Shop& shop, std::size_t place) { expect_goes_back(shop, place); });
}

TEST_F(RestorePowerLossTest, WithoutPowerInTheMiddleOfLiveDataItCanBeTakenBack) {
  if (!prepare_disks(true)) GTEST_SKIP() << "not permitted to mount a file system";
  cut_off_anywhere([this](const Shop& shop, std::size_t place) { expect_goes_back(shop, place); });
}

TEST_F(RestorePowerLossTest, AnUndoWithoutPowerAnywhereIsUndoneFurther) {
  if (!prepare_disks()) GTEST_SKIP() << "not permitted to mount a file system";
  cut_off_anywhere_after_it(
      undo_shop, [this](const Shop& shop, std::size_t) { expect_goes_back(shop, SIZE_MAX); });
}

TEST_F(RestorePowerLossTest, ACloseWithoutPowerAnywhereIsClosedFurther) {
  if (!prepare_disks()) GTEST_SKIP() << "not permitted to mount a file system";
  cut_off_anywhere_after_it(close_shop,
                            [this](const Shop& shop, std::size_t) { expect_closes(shop); });
}

class BackupPowerLossTest : public ::testing::Test {
 protected:
  /// One point, and a second state of the same tree. False: not permitted here.
  bool prepare() {
    if (!disks_.permitted()) return false;
    const PowerDisk disk = disks_.first();
    const auto medium = backend::create_local(disk.at() / "repository");
    create_repository(*medium);
    make_tree(tree(), 12, 12'000, 1);
    first_ = describe_tree(tree());
    back_up(*medium, tree());
    SeededRng rng(2);
    for (const char* name : {"new 1", "new 2"}) {
      std::ofstream(tree() / name, std::ios::binary) << as_text(rng.bytes(30'000));
    }
    second_ = describe_tree(tree());
    return true;
  }

  /// Backs the second state up to a copy of the disk; its power fails with operation `fault` of it,
  /// or, where there is none, when the backup has been acknowledged.
  void cut_off(PowerDisk& disk, const std::function<void(backend::FaultBackend&)>& fault) {
    Child child([&] {
      const auto medium = backend::open_local(disk.at() / "repository");
      backend::FaultBackend faulty(*medium);
      fault(faulty);
      back_up(faulty, tree());
      lose_power_of(disk);
    });
    ASSERT_EQ(child.wait(), -SIGKILL);
    disk.mount_again();
  }

  std::uint64_t operations() {
    const PowerDisk disk = disks_.another();
    const auto medium = backend::open_local(disk.at() / "repository");
    backend::FaultBackend counting(*medium);
    back_up(counting, tree());
    return counting.calls();
  }

  /// All that was acknowledged is there, and the next backup succeeds.
  void expect_intact(const PowerDisk& disk, bool acknowledged) {
    const auto medium = backend::open_local(disk.at() / "repository");
    ASSERT_EQ(damage_of(*medium), "");
    std::vector<TreeDescription> expected{first_};
    if (acknowledged || open_repository(*medium)->points().size() > 1) expected.push_back(second_);
    ASSERT_EQ(restore_differences(*medium, expected, scratch_.path()), "");
    back_up(*medium, tree());
    expected.push_back(second_);
    ASSERT_EQ(restore_differences(*medium, expected, scratch_.path()), "");
    ASSERT_EQ(damage_of(*medium), "");
  }

  fs::path tree() const { return scratch_.path() / "tree"; }

  const TemporaryDirectory scratch_{fast_directory()};
  const Disks disks_{scratch_.path()};
  TreeDescription first_;
  TreeDescription second_;
};

TEST_F(BackupPowerLossTest, WithoutPowerAtAnyOperation) {
  if (!prepare()) GTEST_SKIP() << "not permitted to mount a file system";
  const std::uint64_t count = operations();
  ASSERT_GT(count, 12U);
  for (std::uint64_t n = 1; n <= count; ++n) {
    for (const bool before : {true, false}) {
      SCOPED_TRACE((before ? "before operation " : "after operation ") + std::to_string(n));
      PowerDisk disk = disks_.another();
      const auto die = [&] { lose_power_of(disk); };
      cut_off(disk, [&](backend::FaultBackend& medium) {
        medium.at(n, before ? backend::Fault::kill_before(die) : backend::Fault::kill_after(die));
      });
      expect_intact(disk, false);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(BackupPowerLossTest, WhatIsAcknowledgedStays) {
  if (!prepare()) GTEST_SKIP() << "not permitted to mount a file system";
  PowerDisk disk = disks_.another();
  cut_off(disk, [](backend::FaultBackend&) {});
  expect_intact(disk, true);
}

}  // namespace
}  // namespace salvor::testing
