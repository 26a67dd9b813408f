#include "recovery/internal/current_commands.h"

#include <gtest/gtest.h>

namespace salvor::recovery::internal {
namespace {

using Names = std::vector<std::string>;

Plan planned() {
  Plan plan;
  plan.writes = service::Writes{{"lok", 10}, {"unlock", 10}, std::nullopt};
  plan.migrate = service::Migrate{std::nullopt, {"migrate", 10}};
  plan.rebuilds = {{"thumbnails", {"thumbs", 10}}, {"feeds", {"feeds", 10}}};
  plan.checks = {{"rows", service::ExecTest{"exit 1"}, 10}};
  return plan;
}

Plan configured() {
  Plan now = planned();
  now.writes->lock.run = "lock";
  now.migrate.reset();
  now.rebuilds = {{"feeds", {"feeds --all", 10}}, {"index", {"index", 10}}};
  now.checks[0].test = service::ExecTest{"true"};
  return now;
}

TEST(CommandsTest, WhatDiffersIsNamed) {
  EXPECT_EQ(differing_commands(planned(), planned()), Names{});
  EXPECT_EQ(differing_commands(planned(), configured()),
            (Names{"check rows", "migrate.isolated", "migrate.run", "rebuild feeds",
                   "rebuild thumbnails", "writes.lock", "rebuild index"}));
}

TEST(CommandsTest, ResumedBeforeTheExchangeARunHasTheStepsOfTheConfiguration) {
  const Plan next = with_commands_of(planned(), configured(), {.kept = {}, .new_ones = true});
  EXPECT_EQ(differing_commands(next, configured()), Names{});
}

TEST(CommandsTest, WhatHasBegunStaysToBeTakenBackAndNothingIsAdded) {
  const StepRules rules{.kept = {StepKind::migrate, {StepKind::rebuild, "thumbnails"}},
                        .new_ones = false};
  const Plan next = with_commands_of(planned(), configured(), rules);
  EXPECT_EQ(next.writes->lock.run, "lock");
  ASSERT_TRUE(next.migrate);
  EXPECT_EQ(next.migrate->run.run, "migrate");
  ASSERT_EQ(next.rebuilds.size(), 2U);
  EXPECT_EQ(next.rebuilds[0].run.run, "thumbs");
  EXPECT_EQ(next.rebuilds[1].run.run, "feeds --all");
}

}  // namespace
}  // namespace salvor::recovery::internal
