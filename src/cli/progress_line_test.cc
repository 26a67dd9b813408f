#include "cli/progress_line.h"

#include <gtest/gtest.h>

namespace salvor::cli {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

TEST(ProgressLineTest, SaysAllThatIsKnown) {
  const control::PhaseProgress progress{"restore", 30 * kMiB, 120 * kMiB, 1234, 5000};
  EXPECT_EQ(describe(progress, 10, true),
            "restore  [#####               ]  25 %  30.0 MiB of 120.0 MiB  1,234 entries  3.0 MiB/s"
            "  30.0 s left");
  EXPECT_EQ(describe(progress, 10, false),
            "restore  25 %  30.0 MiB of 120.0 MiB  1,234 entries  3.0 MiB/s  30.0 s left");
}

TEST(ProgressLineTest, SaysNothingThatIsNotKnown) {
  EXPECT_EQ(describe({"backup", 3 * kMiB, 0, 0, 0}, 0.1, true), "backup  3.0 MiB");
  EXPECT_EQ(describe({"backup", 3 * kMiB, 0, 50, 100}, 0.1, false),
            "backup  50 %  3.0 MiB  50 entries");
}

TEST(ProgressLineTest, MoreThanExpectedIsAll) {
  EXPECT_EQ(describe({"backup", 3 * kMiB, 0, 150, 100}, 1, false),
            "backup  100 %  3.0 MiB  150 entries  3.0 MiB/s");
}

TEST(ProgressLineTest, NoWordIsCutAtTheEdge) {
  const std::string text = "restore  25 %  30.0 MiB of 120.0 MiB  1,234 entries";
  EXPECT_EQ(fitting(text, 51), text);
  EXPECT_EQ(fitting(text, 50), "restore  25 %  30.0 MiB of 120.0 MiB");
  EXPECT_EQ(fitting(text, 36), "restore  25 %  30.0 MiB of 120.0 MiB");
  EXPECT_EQ(fitting(text, 35), "restore  25 %");
  EXPECT_EQ(fitting(text, 4), "rest");
}

}  // namespace
}  // namespace salvor::cli
