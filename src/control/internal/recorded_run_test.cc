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

/// The least that a verb reports.
struct TestReport {
  std::vector<std::string> logged;
};

std::string to_json(const TestReport& report) {
  return report.logged.empty() ? "{}" : "{\"warnings\":1}";
}

class RecordedRunTest : public ::testing::Test {
 protected:
  RecordedRunTest() {
    testing::create_repository(memory_);
    config_.repository.path = directory_.path() / "repository";
    keep_records_in("state");
  }

  static std::string in_short(const Event& event) {
    if (const auto* began = std::get_if<RunBegan>(&event)) return "began " + began->verb;
    if (const auto* warning = std::get_if<Warning>(&event)) return "warning " + warning->what;
    const auto* ended = std::get_if<RunEnded>(&event);
    if (ended != nullptr) return ended->outcome + " " + std::to_string(ended->exit);
    return "?";
  }

  void keep_records_in(const char* name) {
    config_.state_directory = directory_.path() / name;
    logbook_.emplace(config_);
  }

  Caller listening() {
    Caller caller;
    caller.on_event = [this](const Event& event) { told_.push_back(in_short(event)); };
    return caller;
  }

  /// A backup that opens the repository, and ends with the error, if there is one.
  TestReport back_up(backend::Backend& backend, const std::optional<Error>& error = {}) {
    const auto repository = testing::open_repository(backend, repo::Access::read);
    RecordedRun run(config_, *logbook_, RunKind::backup, "shop", caller_, warnings_);
    run.tell_began({"db"});
    return run.carry_out([&] {
      run.opened(*repository);
      if (error) throw Error(*error);
      run.evidence().result = "succeeded";
      TestReport report;
      run.finish(report, {});
      return report;
    });
  }

  /// The newest run, as the catalog has it.
  catalog::RunRow row() { return logbook_->catalog()->runs().front(); }

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
  std::optional<Logbook> logbook_;
  std::vector<std::string> told_;
  const Caller caller_ = listening();
  RunWarnings warnings_{caller_};
};

TEST_F(RecordedRunTest, one_that_succeeds_leaves_evidence_and_its_report) {
  back_up(memory_);
  EXPECT_EQ(row().state, RunState::succeeded);
  EXPECT_EQ(row().summary_json, "{}");
  EXPECT_EQ(row().repository, testing::open_repository(memory_)->id().hex());
  EXPECT_EQ(results(), (std::vector<std::string>{"succeeded"}));
}

TEST_F(RecordedRunTest, one_that_fails_before_the_repository_is_open_leaves_no_evidence) {
  RecordedRun run(config_, *logbook_, RunKind::verify, "", caller_, warnings_);
  const auto fails = [&] {
    run.carry_out([]() -> TestReport { throw Error(ErrorCode::unreachable, "no answer"); });
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
  EXPECT_EQ(logbook_->catalog()->waiting_evidence(row().repository).size(), 1U);
  back_up(memory_);
  EXPECT_EQ(results().size(), 2U) << "the next run brings it";
}

TEST_F(RecordedRunTest, without_a_catalog_there_is_evidence_all_the_same) {
  write_file_atomically(directory_.path() / "file", {}, 0600);
  keep_records_in("file");
  ASSERT_EQ(logbook_->catalog(), nullptr);
  back_up(memory_);
  EXPECT_EQ(results(), (std::vector<std::string>{"succeeded"}));
}

TEST_F(RecordedRunTest, a_run_of_another_host_is_taken_over_into_this_catalog) {
  const auto repository = testing::open_repository(memory_);
  const catalog::RunId id{"20260203t040506-1a2b3c4d"};
  RecordedRun run(config_, *logbook_, RunKind::restore, "shop", caller_, warnings_, id);
  EXPECT_FALSE(logbook_->catalog()->run(id.text)) << "its end is recorded only";
  run.opened(*repository);
  TestReport report;
  run.finish(report, {RunState::closed});
  EXPECT_EQ(logbook_->catalog()->run(id.text)->state, RunState::closed);
}

TEST_F(RecordedRunTest, its_caller_is_told_the_beginning_and_the_end) {
  back_up(memory_);
  EXPECT_THROW(back_up(memory_, Error(ErrorCode::refused, "too small")), Error);
  EXPECT_EQ(told_,
            (std::vector<std::string>{"began backup", "succeeded 0", "began backup", "failed 6"}));
}

TEST_F(RecordedRunTest, what_is_warned_of_is_in_the_report_of_that_run_alone) {
  log::set_level(log::Level::off);
  log::warning("old key");
  const TestReport first = back_up(memory_);
  log::set_level(log::Level::warning);
  EXPECT_EQ(first.logged, std::vector<std::string>{"old key"});
  EXPECT_EQ(row().summary_json, "{\"warnings\":1}");
  EXPECT_EQ(back_up(memory_).logged, std::vector<std::string>{});
  EXPECT_EQ(told_.front(), "warning old key");
}

TEST_F(RecordedRunTest, a_run_that_is_gone_on_with_in_vain_stays_as_it_is) {
  const catalog::RunId id{"20260203t040506-1a2b3c4d"};
  RecordedRun run(config_, *logbook_, RunKind::restore, "shop", caller_, warnings_, id);
  const auto is_lost = [&](bool is_taken) {
    run.carry_out([&]() -> TestReport {
      if (is_taken) run.tell_began({}, "resume");
      throw Error(ErrorCode::conflict, "another process has it");
    });
  };
  EXPECT_THROW(is_lost(false), Error);
  EXPECT_EQ(told_, std::vector<std::string>{}) << "this process did not have it";
  EXPECT_THROW(is_lost(true), Error);
  EXPECT_EQ(told_, (std::vector<std::string>{"began resume", "failed 7"}));
  EXPECT_FALSE(logbook_->catalog()->run(id.text));
  EXPECT_EQ(results(), std::vector<std::string>{});
}

}  // namespace
}  // namespace salvor::control::internal
