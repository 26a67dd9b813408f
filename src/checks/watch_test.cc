#include "checks/watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/fd.h"
#include "testing/fake_clock.h"
#include "testing/fake_sleeper.h"
#include "testing/http_server.h"

namespace salvor::checks {
namespace {

namespace fs = std::filesystem;
using testing::FakeClock;
using testing::FakeSleeper;

/// Watches with a clock that stands still between rounds, and answers that a test decides.
class WatchTest : public ::testing::Test {
 protected:
  WatchTest() {
    options_.duration_s = 300;
    options_.every_s = 30;
    options_.clock = &clock_;
    options_.sleeper = &sleeper_;
    options_.stop = stop_.get_token();
    options_.on_anomaly = [this](const Anomaly& anomaly) {
      told_.push_back(anomaly.probe + " " + anomaly.what);
      EXPECT_EQ(anomaly.time, clock_.now());
    };
    options_.ask = [this](const service::Check& check, const std::stop_token&) {
      const int run = runs_[check.name]++;
      CheckOutcome outcome = answer_ ? answer_(check.name, run) : good(0.01);
      outcome.name = check.name;
      return outcome;
    };
  }

  static CheckOutcome good(double seconds) {
    CheckOutcome outcome;
    outcome.kind = "http";
    outcome.verdict = Verdict::passed;
    outcome.seconds = seconds;
    return outcome;
  }
  static CheckOutcome bad(Verdict verdict = Verdict::failed) {
    CheckOutcome outcome;
    outcome.kind = "http";
    outcome.verdict = verdict;
    outcome.expected = "status 200";
    outcome.actual = "status 500";
    return outcome;
  }

  void probe(const std::string& name) {
    options_.probes.push_back({name, service::HttpTest{"http://x"}});
  }
  WatchReport run() { return watch(options_, subjects_); }

  FakeClock clock_;
  std::stop_source stop_;
  std::function<void()> meanwhile_;  ///< happens while the watch waits
  FakeSleeper sleeper_{[this](std::int64_t duration_ms) {
    clock_.advance(static_cast<double>(duration_ms) / 1000);
    if (meanwhile_) meanwhile_();
  }};
  std::function<CheckOutcome(const std::string& name, int run)> answer_;
  std::map<std::string, int> runs_;
  std::vector<std::string> told_;
  CheckSubjects subjects_;
  WatchOptions options_;
};

TEST_F(WatchTest, a_service_that_is_well_is_healthy) {
  probe("front page");
  probe("shop");
  int rounds = 0;
  options_.on_round = [&](const WatchReport& so_far) {
    EXPECT_EQ(so_far.probes.at(0).runs, static_cast<std::uint64_t>(++rounds));
  };
  const WatchReport report = run();
  EXPECT_TRUE(report.healthy);
  EXPECT_FALSE(report.stopped);
  EXPECT_EQ(report.seconds, 300);
  ASSERT_EQ(report.probes.size(), 2U);
  EXPECT_EQ(report.probes[0].name, "front page");
  EXPECT_EQ(report.probes[0].runs, 11U) << "at once, every 30 s, and at the end";
  EXPECT_EQ(report.probes[0].kind, "http");
  EXPECT_EQ(report.probes[0].median_s, 0.01);
  EXPECT_EQ(rounds, 11);
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(sleeper_.durations_ms(), std::vector<std::int64_t>(10, 30'000));
}

TEST_F(WatchTest, the_last_round_is_at_the_end) {
  probe("p");
  options_.duration_s = 70;
  EXPECT_EQ(run().probes[0].runs, 4U);
  EXPECT_EQ(sleeper_.durations_ms(), (std::vector<std::int64_t>{30'000, 30'000, 10'000}));
}

TEST_F(WatchTest, a_round_that_takes_long_is_not_made_up_for) {
  probe("slow");
  answer_ = [&](const std::string&, int run) {
    if (run == 1) clock_.advance(100);  // from 30 s to 130 s
    return good(0.01);
  };
  EXPECT_EQ(run().probes[0].runs, 8U) << "at 0, 30, 150, 180, 210, 240, 270, 300";
  EXPECT_EQ(sleeper_.durations_ms().at(1), 20'000);
}

TEST_F(WatchTest, a_round_that_outlasts_the_watch_ends_it_after_one_more) {
  probe("slow");
  answer_ = [&](const std::string&, int) {
    clock_.advance(1000);
    return good(1000);
  };
  const WatchReport report = run();
  EXPECT_EQ(report.probes[0].runs, 2U);
  EXPECT_FALSE(report.stopped);
}

TEST_F(WatchTest, failures_are_told_as_they_begin_and_end) {
  probe("p");
  answer_ = [](const std::string&, int run) {
    return run >= 2 && run <= 4 ? bad(run == 4 ? Verdict::impossible : Verdict::failed) : good(0);
  };
  const WatchReport report = run();
  EXPECT_FALSE(report.healthy);
  EXPECT_EQ(report.failures, 3U);
  EXPECT_EQ(report.probes[0].failures, 3U);
  EXPECT_EQ(report.probes[0].runs, 11U);
  EXPECT_EQ(report.probes[0].last_failure, "can't be asked: status 500, expected status 200");
  EXPECT_EQ(told_, (std::vector<std::string>{"p status 500, expected status 200",
                                             "p works again, after 3 failures"}));
}

TEST_F(WatchTest, failures_of_all_probes_count_against_the_tolerance) {
  probe("a");
  probe("b");
  answer_ = [](const std::string&, int run) { return run == 3 ? bad() : good(0); };
  options_.failures_max = 2;
  EXPECT_TRUE(run().healthy);
  runs_.clear();
  options_.failures_max = 1;
  EXPECT_FALSE(run().healthy);
}

TEST_F(WatchTest, what_says_nothing_is_neither_good_nor_bad) {
  probe("a");
  answer_ = [](const std::string&, int) { return bad(Verdict::skipped); };
  const WatchReport report = run();
  EXPECT_TRUE(report.healthy);
  EXPECT_EQ(report.probes[0].runs, 0U);
  EXPECT_EQ(report.probes[0].skipped, 11U);
}

TEST_F(WatchTest, a_stop_ends_it_at_once) {
  probe("a");
  probe("b");
  answer_ = [&](const std::string& name, int run) -> CheckOutcome {
    if (name == "a" && run == 1) {
      stop_.request_stop();
      throw Error(ErrorCode::cancelled, "stopped");
    }
    return good(0);
  };
  const WatchReport during_probe = run();
  EXPECT_TRUE(during_probe.stopped);
  EXPECT_EQ(during_probe.probes[1].runs, 1U);
  EXPECT_EQ(during_probe.seconds, 30);
}

TEST_F(WatchTest, a_stop_ends_the_waiting) {
  probe("a");
  meanwhile_ = [&] { stop_.request_stop(); };
  const WatchReport report = run();
  EXPECT_TRUE(report.stopped);
  EXPECT_TRUE(report.healthy);
  EXPECT_EQ(report.probes[0].runs, 1U);
}

TEST_F(WatchTest, it_is_compared_with_what_was_normal) {
  for (const char* name : {"slower", "worse", "as bad", "as before", "new"}) probe(name);
  options_.baseline = {{"slower", {20, 0, 0.1}},
                       {"worse", {20, 0.05, 0.1}},
                       {"as bad", {20, 1, 0}},
                       {"as before", {20, 0, 0.1}}};
  answer_ = [](const std::string& name, int run) {
    if (name == "slower" || name == "new") return good(2);
    if (name == "worse") return run < 3 ? bad() : good(0.1);
    if (name == "as bad") return bad();
    return good(0.12);
  };
  const WatchReport report = run();
  using Remarks = std::vector<std::string>;
  EXPECT_EQ(report.probes[0].remarks,
            Remarks{"is slower than before: 2.0 s in the median, then 100 ms"});
  EXPECT_EQ(report.probes[1].remarks,
            Remarks{"fails more often than before: 3 of 11 runs, then 1 of 20 runs"});
  EXPECT_EQ(report.probes[2].remarks, Remarks{"failed before, too: 20 of 20 runs"});
  EXPECT_EQ(report.probes[3].remarks, Remarks{});
  EXPECT_EQ(report.probes[4].remarks, Remarks{});
  EXPECT_EQ(std::count(told_.begin(), told_.end(),
                       "slower is slower than before: 2.0 s in the median, then 100 ms"),
            1)
      << "told once, when it is seen";
}

TEST_F(WatchTest, a_watch_is_the_baseline_of_the_next) {
  probe("p");
  answer_ = [](const std::string&, int run) { return run == 0 ? bad() : good(0.5); };
  const Baseline baseline = baseline_of(run());
  ASSERT_TRUE(baseline.contains("p"));
  EXPECT_EQ(baseline.at("p").runs, 11U);
  EXPECT_EQ(baseline.at("p").failure_share, 1.0 / 11);
  EXPECT_EQ(baseline.at("p").median_s, 0.5);
}

TEST_F(WatchTest, real_probes_are_asked) {
  std::atomic<bool> down = false;
  const testing::HttpServer server([&](const std::string&) {
    return testing::http_answer(down ? 503 : 200, down ? "down" : "up");
  });
  subjects_.live = true;
  options_.ask = {};
  options_.probes = {{"page", service::HttpTest{server.url("/")}},
                     {"command", service::ExecTest{"exit 0"}}};
  options_.duration_s = 60;
  const Baseline baseline = baseline_of(run());
  EXPECT_EQ(baseline.at("page").runs, 3U);
  EXPECT_EQ(baseline.at("page").failure_share, 0);
  EXPECT_GT(baseline.at("page").median_s, 0);
  options_.baseline = baseline;
  meanwhile_ = [&] { down = true; };
  const WatchReport report = run();
  EXPECT_EQ(report.probes[0].failures, 2U);
  EXPECT_EQ(report.probes[1].failures, 0U);
  EXPECT_EQ(told_, std::vector<std::string>{"page status 503, expected status 200"});
}

class WatchLogTest : public WatchTest {
 protected:
  WatchLogTest() {
    options_.duration_s = 90;  // rounds at 0, 30, 60, 90
    meanwhile_ = [this] {
      if (++waits_ <= steps_.size()) steps_.at(waits_ - 1)();
    };
  }

  fs::path log() const { return directory_.path() / "app.log"; }
  void append(const std::string& text) const { append(log(), text); }
  static void append(const fs::path& file, const std::string& text) {
    std::ofstream(file, std::ios::app | std::ios::binary) << text;
  }

  /// The steps happen between the rounds, and `max` lines are tolerated.
  ProbeReport follow(std::vector<std::function<void()>> steps, std::uint64_t max = 0) {
    steps_ = std::move(steps);
    waits_ = 0;
    told_.clear();
    options_.probes = {{"log", service::LogTest{log(), "ERROR", max}}};
    return run().probes.at(0);
  }

  const TemporaryDirectory directory_{"/tmp"};
  std::vector<std::function<void()>> steps_;
  std::size_t waits_ = 0;
};

TEST_F(WatchLogTest, only_new_lines_with_the_text_count) {
  append("ERROR old\n");
  const ProbeReport report = follow({[&] { append("fine\nERROR new\nERR\nOR\n"); }});
  EXPECT_EQ(report.runs, 4U);
  EXPECT_EQ(report.failures, 1U);
  EXPECT_EQ(report.kind, "log");
  EXPECT_EQ(told_, std::vector<std::string>{
                       "log new lines with \"ERROR\": 1, tolerated: 0; the last: ERROR new"});
}

TEST_F(WatchLogTest, a_text_is_no_expression) {
  append("");
  options_.probes = {{"log", service::LogTest{log(), "a.c*", 0}}};
  steps_ = {[&] { append("abc\naccc\n"); }, [&] { append("see a.c* here\n"); }};
  EXPECT_EQ(run().probes.at(0).failures, 1U);
}

TEST_F(WatchLogTest, each_run_that_finds_more_than_tolerated_is_a_failure) {
  append("");
  const auto one = [&] { append("ERROR\n"); };
  EXPECT_EQ(follow({one, one, one}).failures, 3U);
  EXPECT_EQ(told_.size(), 3U) << "each is news";
  EXPECT_EQ(follow({one, one, one}, 2).failures, 1U);
  EXPECT_EQ(follow({one, one, one}, 3).failures, 0U);
  EXPECT_EQ(follow({[&] { append("ERROR\nERROR\nERROR\n"); }}, 2).failures, 1U);
}

TEST_F(WatchLogTest, a_line_counts_once_it_is_ended) {
  append("");
  EXPECT_EQ(
      follow({[&] { append("ERR"); }, [&] { append("OR half"); }, [&] { append("\n"); }}).failures,
      1U);
  EXPECT_EQ(told_.size(), 1U);
  EXPECT_EQ(follow({{[&] { append("and an ERROR that never ends"); }}}).failures, 1U)
      << "at the end of the watch at the latest";
}

TEST_F(WatchLogTest, a_rotated_log_is_followed) {
  append("old\n");
  const fs::path rotated = directory_.path() / "app.log.1";
  const ProbeReport report =
      follow({[&] {
                append("ERROR before\n");
                fs::rename(log(), rotated);
                append("ERROR after\n");
              },
              [&] { append(rotated, "ERROR late\n"); }, [&] { append("ERROR again\n"); }},
             0);
  EXPECT_EQ(report.failures, 3U);
  EXPECT_NE(told_.at(0).find(": 2, tolerated"), std::string::npos) << told_.at(0);
  EXPECT_NE(told_.at(1).find("ERROR late"), std::string::npos) << told_.at(1);
  EXPECT_NE(told_.at(2).find(": 4, tolerated"), std::string::npos) << told_.at(2);
}

TEST_F(WatchLogTest, a_truncated_log_is_read_from_its_start) {
  append(std::string(1000, 'x') + "\n");
  const ProbeReport report = follow({[&] {
    fs::resize_file(log(), 0);
    append("ERROR\n");
  }});
  EXPECT_EQ(report.failures, 1U);
}

TEST_F(WatchLogTest, a_log_that_comes_later_is_new) {
  const ProbeReport report = follow({[] {}, [&] { append("ERROR first\n"); }});
  EXPECT_EQ(report.skipped, 2U);
  EXPECT_EQ(report.runs, 2U);
  EXPECT_EQ(report.failures, 1U);
  EXPECT_TRUE(report.remarks.empty());
}

TEST_F(WatchLogTest, a_log_that_never_comes_is_said_not_to_be_watched) {
  const ProbeReport report = follow({});
  EXPECT_EQ(report.skipped, 4U);
  EXPECT_EQ(report.remarks,
            std::vector<std::string>{"the log was never there: nothing was watched"});
}

TEST_F(WatchLogTest, what_is_no_log_fails) {
  fs::create_directory(log());
  EXPECT_EQ(follow({}).failures, 4U);
  options_.probes = {
      {"log", service::LogTest{directory_.path() / "absent" / "app.log", "ERROR", 0}}};
  const ProbeReport report = run().probes.at(0);
  EXPECT_EQ(report.failures, 4U);
  EXPECT_NE(report.last_failure.find("absent"), std::string::npos) << report.last_failure;
}

TEST_F(WatchLogTest, a_huge_line_counts_once_wherever_the_text_is) {
  append("");
  for (const std::size_t before : {0U, 65'534U, 65'536U, 131'070U, 300'000U}) {
    const std::string line = std::string(before, 'x') + "ERROR" + std::string(200'000, 'y');
    EXPECT_EQ(follow({[&] { append(line); }, [&] { append("ERROR\n"); }}).failures, 1U) << before;
    EXPECT_NE(told_.at(0).find(": 1, tolerated"), std::string::npos) << told_.at(0);
    EXPECT_LT(told_.at(0).size(), 500U);
  }
}

}  // namespace
}  // namespace salvor::checks
