#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "base/fd.h"
#include "shop.h"

/// What the tests of restores that are cut off share: how a restore may end, and nothing else.
namespace salvor::testing {

/// A damaged shop, and what it looks like once it is restored.
class RestoreEnds : public ::testing::Test {
 protected:
  /// Builds the template and restores a copy of it. `at`: where; `in_place_delta`: how.
  void prepare(const std::filesystem::path& at, bool in_place_delta = false,
               ShopCommands commands = {});

  Shop copy(const std::string& name) const { return template_.copied_to(at_ / name, commands_); }

  /// restore_shop(), undo_shop() or close_shop().
  using Act = recovery::RunOutcome (*)(const Shop&, const ShopRestore&);

  /// Acts on the shop, and calls `die` at place number `place`; beyond the last, it ends. Yields
  /// how many places there were.   Errors: those of the act.
  std::size_t act_until(Act act, const Shop& shop, std::size_t place,
                        const std::function<void()>& die) const;

  /// In a child, which must have been killed, at one of the `places` that act_until() has counted.
  void die_at(Act act, const Shop& shop, std::size_t place, std::size_t places,
              const std::function<void()>& die) const;

  /// Gone on with, from where it lies: restored. `other_host`: with the configuration of another.
  void expect_resumes(const Shop& shop, std::size_t place, bool other_host = false) const;

  /// Taken back: as it was before. Where no run had been noted yet, it still is.
  void expect_goes_back(const Shop& shop, std::size_t place, bool other_host = false) const;

  /// Closed: restored, nothing else is left, and it can't be taken back.
  void expect_closes(const Shop& shop, bool other_host = false) const;

  /// The repository from before the run in place of the newest, and accepted: resumed, nothing is
  /// written over of which there is no copy.
  void expect_survives_older_copy(const Shop& shop) const;

  /// How many of the places come before there is a run to go on with.
  static constexpr std::size_t kPlacesBeforeThePlan = 2;

  TemporaryDirectory scratch_{fast_directory()};
  std::filesystem::path at_ = scratch_.path();
  Shop template_{at_ / "template"};
  std::size_t places_ = 0;
  bool with_catalog_ = false;  ///< to be set before prepare()

 private:
  static TreeDescription visible(const Shop& shop);
  static TreeDescription data_of(const Shop& shop);
  static void expect_unclaimed(const Shop& shop);
  static void expect_restored(const Shop& shop, const TreeDescription& expected);
  void expect_as_before(const Shop& shop) const;

  bool in_place_delta_ = false;
  ShopCommands commands_;
  TreeDescription damaged_;
  TreeDescription restored_;
  TreeDescription closed_;
};

}  // namespace salvor::testing
