#include "control/internal/preview.h"

#include <gtest/gtest.h>

namespace salvor::control::internal {
namespace {

TEST(PreviewTest, AnUndoThatReplacesNothingIsForetold) {
  recovery::RunHead head;
  head.plan.run = "r1";
  head.plan.service = "shop";
  recovery::StoreAccess access{stores::Surroundings{}};
  const ContinuePreview preview = preview_of(head, "undo", access);
  EXPECT_EQ(preview.lines, std::vector<std::string>{"nothing was replaced yet: the undo will only "
                                                    "unlock the writes"});
}

}  // namespace
}  // namespace salvor::control::internal
