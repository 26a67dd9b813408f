#include "control/internal/recorded_run.h"

#include <gtest/gtest.h>

#include "backend/fault.h"
#include "backend/memory.h"
#include "base/fd.h"
#include "testing/test_repository.h"

/// What every verb leaves of its run, however it ends.
namespace salvor::control::internal {
namespace {

using catalog::RunKind;
using catalog::RunState;

class RecordedRunTest : public ::testing::Test {
 protected:
  RecordedRunTest() {
    testing::create_repository(memory_);
    config_.repository.path = directory_.path() / "repository";
    keep_records_in("state");
  }

  void keep_records_in(const char* name) {
    config_.state_directory = directory_.path() / name;
    records_.emplace(config_);
  }

  /// A backup that opens the repository, and ends with the error, if there is one.
  void back_up(backend::Backend& backend, const std::optional<Error>& error = {}) {
    const auto repository = testing::open_repository(backend, repo::Access::read);
    RecordedRun run(config_, *records_, RunKind::backup, "shop", {});
    run.carry_out([&] {
      run.opened(*repository);
      if (error) throw Error(*error);
      run.evidence().result = "succeeded";
      run.finish(RunState::succeeded, "{}");
    });
  }

  /// The newest run, as the catalog has it.
  catalog::RunRow row() { return records_->catalog()->runs().front(); }

  /// The results of the evidence in the repository, in order.
  std::vector<std::string> results() {
    const auto repository = testing::open_repository(memory_);
    std::vector<std::string> results;
    evidence::read_chain(*repository, "shop", [&](const evidence::StoredEvidence& stored) {
      results.push_back(evidence::summarise(stored.envelope).result);
    });
    return results;
  }

  TemporaryDirectory directory_{"/tmp"};
  backend::MemoryBackend memory_;
  config::Config config_;
  std::optional<Records> records_;
};

TEST_F(RecordedRunTest, one_that_succeeds_leaves_evidence_and_its_report) {
  back_up(memory_);
  EXPECT_EQ(row().state, RunState::succeeded);
  EXPECT_EQ(row().summary_json, "{}");
  EXPECT_EQ(row().repository, testing::open_repository(memory_)->id().hex());
  EXPECT_EQ(results(), (std::vector<std::string>{"succeeded"}));
}

TEST_F(RecordedRunTest, one_that_fails_before_the_repository_is_open_leaves_no_evidence) {
  RecordedRun run(config_, *records_, RunKind::verify, "", {});
  const auto fails = [&] {
    run.carry_out([]() { throw Error(ErrorCode::unreachable, "no answer"); });
  };
  EXPECT_THROW(fails(), Error);
  EXPECT_EQ(row().state, RunState::failed);
  EXPECT_EQ(row().error, "no answer");
  EXPECT_EQ(results(), std::vector<std::string>{});
}

TEST_F(RecordedRunTest, one_that_fails_later_or_is_stopped_says_so_in_its_evidence) {
  EXPECT_THROW(back_up(memory_, Error(ErrorCode::refused, "too small")), Error);
  EXPECT_EQ(row().error, "too small");
  EXPECT_THROW(back_up(memory_, Error(ErrorCode::cancelled, "stopped")), Error);
  EXPECT_EQ(row().state, RunState::failed);
  EXPECT_EQ(results(), (std::vector<std::string>{"failed", "cancelled"}));
}

TEST_F(RecordedRunTest, evidence_of_a_repository_that_cannot_be_written_to_waits) {
  backend::FaultBackend faults(memory_);
  faults.on([](const backend::Call& call) -> std::optional<backend::Fault> {
    if (call.operation != backend::Operation::put) return std::nullopt;
    return backend::Fault::read_only();
  });
  back_up(faults);
  EXPECT_EQ(row().state, RunState::succeeded);
  EXPECT_EQ(results(), std::vector<std::string>{});
  EXPECT_EQ(records_->catalog()->waiting_evidence(row().repository).size(), 1U);
  back_up(memory_);
  EXPECT_EQ(results().size(), 2U) << "the next run brings it";
}

TEST_F(RecordedRunTest, without_a_catalog_there_is_evidence_all_the_same) {
  write_file_atomically(directory_.path() / "file", {}, 0600);
  keep_records_in("file");
  ASSERT_EQ(records_->catalog(), nullptr);
  back_up(memory_);
  EXPECT_EQ(results(), (std::vector<std::string>{"succeeded"}));
}

TEST_F(RecordedRunTest, a_run_of_another_host_is_taken_over_into_this_catalog) {
  const auto repository = testing::open_repository(memory_);
  const catalog::RunId id{"20260203t040506-1a2b3c4d"};
  RecordedRun run(config_, *records_, RunKind::restore, "shop", {}, id);
  EXPECT_FALSE(records_->catalog()->run(id.text)) << "its end is recorded only";
  run.opened(*repository);
  run.finish(RunState::closed, "{}");
  EXPECT_EQ(records_->catalog()->run(id.text)->state, RunState::closed);
}

}  // namespace
}  // namespace salvor::control::internal
