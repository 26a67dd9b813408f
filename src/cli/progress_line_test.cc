#include "cli/progress_line.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "cli/invocation.h"
#include "control/caller.h"

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
  EXPECT_EQ(describe({"restore: validate", 0, 0, 0, 0}, 10, true), "restore: validate");
}

TEST(ProgressLineTest, MoreThanExpectedIsAll) {
  EXPECT_EQ(describe({"backup", 3 * kMiB, 0, 150, 100}, 1, false),
            "backup  100 %  3.0 MiB  150 entries  3.0 MiB/s");
}

TEST(ProgressLineTest, ALineThatIsSaidDoesNotBreakIt) {
  testing::internal::CaptureStderr();
  {
    ProgressLine line(true);
    line.say("before");
    line.show({"backup", 3 * kMiB, 0, 0, 0});
    line.say("salvor: warning: between");
    line.show({"backup", 4 * kMiB, 0, 0, 0});
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "before\n\rbackup  3.0 MiB\x1b[K\r\x1b[Ksalvor: warning: between\n"
            "\rbackup  4.0 MiB\x1b[K\r\x1b[K");
}

TEST(InvocationTest, WarningsAreLinesOfItsOwnWhileItLives) {
  testing::internal::CaptureStderr();
  {
    const GlobalOptions options;
    Invocation invocation(options);
    log::warning("the catalog {}", "is gone");
    log::info("not told");
  }
  log::warning("after it");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "salvor: warning: the catalog is gone\nsalvor: warning: after it\n");
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
