#include "control/internal/opened.h"

#include <gtest/gtest.h>

#include "backend/memory.h"
#include "base/fd.h"
#include "repo/check.h"
#include "testing/test_repository.h"

/// What is said of a repository that seems to be older than what this machine has seen.
namespace salvor::control::internal {
namespace {

class OlderCopyTest : public ::testing::Test {
 protected:
  OlderCopyTest() {
    testing::create_repository(memory_);
    config_.state_directory = directory_.path() / "state";
    logbook_.emplace(config_);
  }

  /// Another process of this machine backs up, and notes how far the log is.
  void back_up_elsewhere() {
    const auto other = testing::open_repository(memory_, repo::Access::write);
    testing::commit_contents(*other, {{"a", "content"}});
    logbook_->note_head(other->id().hex(), other->sequence());
  }

  TemporaryDirectory directory_{"/tmp"};
  backend::MemoryBackend memory_;
  config::Config config_;
  std::optional<Logbook> logbook_;
};

TEST_F(OlderCopyTest, what_others_have_appended_since_it_was_opened_is_read_first) {
  const auto repository = testing::open_repository(memory_, repo::Access::write);
  back_up_elsewhere();
  EXPECT_EQ(note_on_older_copy(*repository, *logbook_), "");
  EXPECT_NO_THROW(compare_head(*repository, *logbook_, ShorterLog::refuse));
}

TEST_F(OlderCopyTest, a_verification_reads_it_as_well) {
  const auto repository = testing::open_repository(memory_, repo::Access::inspect);
  back_up_elsewhere();
  repo::CheckOptions options;
  options.head_seen = logbook_->head(repository->id().hex()).value();
  EXPECT_TRUE(repo::check(*repository, options).sound());
}

TEST_F(OlderCopyTest, an_older_copy_is_refused) {
  const auto older = memory_.clone();
  back_up_elsewhere();
  const auto repository = testing::open_repository(*older, repo::Access::write);
  EXPECT_NE(note_on_older_copy(*repository, *logbook_), "");
  EXPECT_THROW(compare_head(*repository, *logbook_, ShorterLog::refuse), Error);
}

}  // namespace
}  // namespace salvor::control::internal
