#include "recovery/step_id.h"

#include <gtest/gtest.h>

#include "recovery/internal/steps.h"

namespace salvor::recovery {
namespace {

TEST(StepId, HasTheNameThatIsStored) {
  EXPECT_EQ(name_of(StepKind::cut_over), "cut-over");
  EXPECT_EQ(name_of({StepKind::restore_store, "media"}), "restore-media");
  EXPECT_EQ(parse_step("rebuild-search-index"), StepId(StepKind::rebuild, "search-index"));
}

TEST(StepId, KeepsEveryName) {
  for (const char* name : {"", "restore-", "restore", "return-to-service", "of-another-version"}) {
    EXPECT_EQ(name_of(parse_step(name)), name);
  }
  EXPECT_EQ(parse_step("of-another-version").kind, StepKind::unknown);
  EXPECT_EQ(parse_step("").kind, StepKind::none);
}

TEST(StepId, IsTheOneOfTheStepThatIsMade) {
  Plan plan;
  plan.stores.emplace_back().name = "db";
  plan.stores.emplace_back().name = "media";
  plan.migrate.emplace();
  for (const auto& step : internal::make_steps(plan)) {
    EXPECT_EQ(parse_step(step->name()), step->id());
  }
}

TEST(StepId, ChecksComeInOrder) {
  const std::vector<StepId> expected{StepKind::verify_copy, StepKind::validate,
                                     StepKind::validate_in_place, StepKind::validate_live};
  EXPECT_EQ(checking_steps(), expected);
  EXPECT_TRUE(is_afterwards(StepKind::watch));
  EXPECT_FALSE(is_afterwards(StepKind::validate_live));
}

}  // namespace
}  // namespace salvor::recovery
