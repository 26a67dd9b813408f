#include "checks/checks.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/error.h"
#include "base/fd.h"
#include "codec/hash.h"
#include "testing/fake_target.h"
#include "testing/http_server.h"

namespace salvor::checks {
namespace {

using testing::FakeTarget;
using testing::http_answer;
using testing::HttpServer;

std::string sha256_of_text(std::string_view text) {
  return to_hex(codec::sha256(as_bytes(text)));
}

class ChecksTest : public ::testing::Test {
 protected:
  ChecksTest() { subjects_.stores = {{"db", &db_}, {"media", &media_}}; }

  template <class Test>
  CheckOutcome ask(Test test, std::int64_t timeout_s = 60) {
    constexpr bool kIsolated = std::is_same_v<Test, service::ExecTest>;
    return run_check({"a check", std::move(test), timeout_s, kIsolated}, subjects_, {});
  }
  CheckOutcome ask_for(std::optional<std::string> value) {
    db_.answers["SELECT x"] = {{std::move(value), "1"}, {"0", "0"}};
    return ask(service::SqlTest{"db", "SELECT x"});
  }

  FakeTarget db_;
  FakeTarget media_;
  CheckSubjects subjects_;
};

TEST_F(ChecksTest, a_command_passes_with_exit_status_0) {
  subjects_.context.store_paths = {{"db", "/copy"}};
  const CheckOutcome good = ask(service::ExecTest{"test $SALVOR_STORE_DB = /copy && echo fine"});
  EXPECT_EQ(good.verdict, Verdict::passed);
  EXPECT_TRUE(good.good());
  EXPECT_EQ(good.name, "a check");
  EXPECT_EQ(good.kind, "exec");
  EXPECT_EQ(good.actual, "exit status 0");
  EXPECT_EQ(good.output, "fine\n");
  EXPECT_EQ(good.command_sha256, sha256_of_text("test $SALVOR_STORE_DB = /copy && echo fine"));
  const CheckOutcome bad = ask(service::ExecTest{"echo broken >&2; exit 4"});
  EXPECT_EQ(bad.verdict, Verdict::failed);
  EXPECT_EQ(bad.expected, "exit status 0");
  EXPECT_EQ(bad.actual, "exit status 4");
  EXPECT_EQ(bad.output, "broken\n");
}

TEST_F(ChecksTest, a_command_that_hangs_fails_with_what_it_said) {
  const CheckOutcome outcome = ask(service::ExecTest{"echo began; sleep 600"}, 1);
  EXPECT_EQ(outcome.verdict, Verdict::failed);
  EXPECT_EQ(outcome.actual, "it did not end within its time limit of 1 s");
  EXPECT_EQ(outcome.output, "began\n");
  EXPECT_GE(outcome.seconds, 1);
}

TEST_F(ChecksTest, a_command_that_cannot_be_run_is_impossible) {
  subjects_.context.directory = "/tmp/salvor-no-such-directory";
  const CheckOutcome outcome = ask(service::ExecTest{"true"});
  EXPECT_EQ(outcome.verdict, Verdict::impossible);
  EXPECT_FALSE(outcome.good());
  EXPECT_NE(outcome.actual.find("salvor-no-such-directory"), std::string::npos);
}

TEST_F(ChecksTest, sql_passes_with_a_true_value) {
  for (const char* value :
       {"1", "42", "-1", "t", "true", "TRUE", "yes", "0.5", "0x", "00:00", "-"}) {
    EXPECT_EQ(ask_for(value).verdict, Verdict::passed) << value;
  }
  for (const char* value : {"0", "", "f", "F", "false", "False", "0.0", "-0", "0e0", "000"}) {
    EXPECT_EQ(ask_for(value).verdict, Verdict::failed) << value;
  }
  EXPECT_EQ(ask_for("1").store, "db");
  EXPECT_EQ(ask_for(std::nullopt).verdict, Verdict::failed);
  EXPECT_EQ(ask_for(std::nullopt).actual, "NULL");
  EXPECT_EQ(ask_for("a\nb").actual, "a\\x0ab");
}

TEST_F(ChecksTest, sql_without_a_row_fails) {
  db_.answers["SELECT x"] = {};
  const CheckOutcome outcome = ask(service::SqlTest{"db", "SELECT x"});
  EXPECT_EQ(outcome.verdict, Verdict::failed);
  EXPECT_EQ(outcome.actual, "no row");
}

TEST_F(ChecksTest, sql_looks_at_the_first_row_only) {
  EXPECT_EQ(ask_for("1").verdict, Verdict::passed);
  EXPECT_EQ(db_.rows_visited, 1U);
}

TEST_F(ChecksTest, a_wrong_statement_and_a_broken_store_are_impossible) {
  const CheckOutcome wrong = ask(service::SqlTest{"db", "SELEKT"});
  EXPECT_EQ(wrong.verdict, Verdict::impossible);
  EXPECT_NE(wrong.actual.find("syntax error"), std::string::npos) << wrong.actual;
  db_.breaks = true;
  EXPECT_EQ(ask(service::SqlTest{"db", "SELECT x"}).verdict, Verdict::impossible);
}

TEST_F(ChecksTest, a_statement_that_hangs_is_ended) {
  db_.hangs = true;
  const CheckOutcome outcome = ask(service::SqlTest{"db", "SELECT x"}, 1);
  EXPECT_EQ(outcome.verdict, Verdict::impossible);
  EXPECT_EQ(outcome.actual, "no answer within its time limit of 1 s");
}

TEST_F(ChecksTest, a_store_that_was_not_restored_is_not_covered) {
  subjects_.stores.clear();
  for (const CheckOutcome& outcome :
       {ask(service::SqlTest{"db", "SELECT x"}), ask(service::PathTest{"media", "logo.png", 0, {}}),
        run_reference({"r", "db", "SELECT x", "media"}, subjects_, {})}) {
    EXPECT_EQ(outcome.verdict, Verdict::skipped) << outcome.kind;
    EXPECT_NE(outcome.actual.find("not among those restored"), std::string::npos);
  }
}

TEST_F(ChecksTest, http_asks_for_status_and_text) {
  subjects_.live = true;
  const HttpServer server([](const std::string& path) {
    if (path == "/old") return http_answer(301, "", "Location: /\r\n");
    return http_answer(path == "/" ? 200 : 500, "Welcome to the shop");
  });
  EXPECT_EQ(ask(service::HttpTest{server.url("/"), 200, {}}).verdict, Verdict::passed);
  EXPECT_EQ(ask(service::HttpTest{server.url("/"), 200, "the shop"}).verdict, Verdict::passed);
  EXPECT_EQ(ask(service::HttpTest{server.url("/old"), 200, "the shop"}).verdict, Verdict::passed);
  EXPECT_EQ(ask(service::HttpTest{server.url("/old"), 301, {}}).verdict, Verdict::passed);
  EXPECT_EQ(ask(service::HttpTest{server.url("/bad"), 500, {}}).verdict, Verdict::passed);
  const CheckOutcome bad = ask(service::HttpTest{server.url("/bad"), 200, {}});
  EXPECT_EQ(bad.verdict, Verdict::failed);
  EXPECT_EQ(bad.expected, "status 200");
  EXPECT_EQ(bad.actual, "status 500");
  EXPECT_EQ(bad.output, "Welcome to the shop");
  const CheckOutcome other = ask(service::HttpTest{server.url("/"), 200, "the bank"});
  EXPECT_EQ(other.verdict, Verdict::failed);
  EXPECT_EQ(other.expected, "status 200, with \"the bank\"");
  EXPECT_EQ(other.actual, "status 200, without the text");
}

TEST_F(ChecksTest, http_without_an_answer_is_impossible) {
  subjects_.live = true;
  const std::string nobody = "http://127.0.0.1:" + std::to_string(testing::closed_port()) + "/";
  EXPECT_EQ(ask(service::HttpTest{nobody, 200, {}}).verdict, Verdict::impossible);
  const HttpServer server([](const std::string&) { return std::nullopt; });
  const CheckOutcome silent = ask(service::HttpTest{server.url("/"), 200, {}}, 1);
  EXPECT_EQ(silent.verdict, Verdict::impossible);
  EXPECT_NE(silent.actual.find("timed out"), std::string::npos) << silent.actual;
}

TEST_F(ChecksTest, http_is_not_asked_for_a_copy) {
  std::atomic<int> asked = 0;
  const HttpServer server([&](const std::string&) {
    ++asked;
    return http_answer(200, "");
  });
  const CheckOutcome outcome = ask(service::HttpTest{server.url("/"), 200, {}});
  EXPECT_EQ(outcome.verdict, Verdict::skipped);
  EXPECT_TRUE(outcome.good());
  EXPECT_EQ(asked, 0);
}

TEST_F(ChecksTest, a_path_must_exist_with_its_size_and_digest) {
  media_.files = {{"logo.png", "12345"}, {"uploads/a", ""}};
  EXPECT_EQ(ask(service::PathTest{"media", "logo.png", 0, {}}).verdict, Verdict::passed);
  EXPECT_EQ(ask(service::PathTest{"media", "./logo.png", 5, {}}).verdict, Verdict::passed);
  EXPECT_EQ(ask(service::PathTest{"media", "uploads", 0, {}}).verdict, Verdict::passed);
  EXPECT_EQ(ask(service::PathTest{"media", "uploads", 1, {}}).verdict, Verdict::failed)
      << "no file";
  EXPECT_EQ(ask(service::PathTest{"media", "absent", 0, {}}).actual, "it does not exist");
  EXPECT_EQ(ask(service::PathTest{"media", "../logo.png", 0, {}}).verdict, Verdict::failed);
  const CheckOutcome small = ask(service::PathTest{"media", "logo.png", 6, {}});
  EXPECT_EQ(small.verdict, Verdict::failed);
  EXPECT_EQ(small.expected, "a file of at least 6 bytes");
  EXPECT_EQ(small.actual, "a file of 5 bytes");
  EXPECT_EQ(ask(service::PathTest{"media", "logo.png", 0, sha256_of_text("12345")}).verdict,
            Verdict::passed);
  EXPECT_EQ(ask(service::PathTest{"media", "logo.png", 0, sha256_of_text("1234")}).verdict,
            Verdict::failed);
  media_.breaks = true;
  EXPECT_EQ(ask(service::PathTest{"media", "logo.png", 0, {}}).verdict, Verdict::impossible);
}

TEST_F(ChecksTest, a_stop_is_no_verdict) {
  db_.hangs = true;
  for (const service::Check& check :
       {service::Check{.name = "exec", .test = service::ExecTest{"sleep 600"}, .isolated = true},
        service::Check{.name = "sql", .test = service::SqlTest{"db", "x"}}}) {
    std::stop_source stop;
    const std::jthread stopper([&] {
      ::usleep(50'000);
      stop.request_stop();
    });
    try {
      run_check(check, subjects_, stop.get_token());
      ADD_FAILURE() << "no error: " << check.name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::cancelled);
    }
  }
}

TEST_F(ChecksTest, a_store_judges_itself) {
  db_.verdicts = {{"integrity_check", true, "ok", "ok"},
                  {"foreign_key_check", false, "no row", "orders 7"}};
  const auto outcomes = run_self_checks("db", db_, {});
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(outcomes[0].name, "integrity_check of db");
  EXPECT_EQ(outcomes[0].kind, "built-in");
  EXPECT_EQ(outcomes[0].store, "db");
  EXPECT_EQ(outcomes[0].verdict, Verdict::passed);
  EXPECT_EQ(outcomes[1].verdict, Verdict::failed);
  EXPECT_EQ(outcomes[1].expected, "no row");
  EXPECT_EQ(outcomes[1].actual, "orders 7");
  db_.verdicts.clear();
  EXPECT_TRUE(run_self_checks("db", db_, {}).empty());
  db_.breaks = true;
  const auto broken = run_self_checks("db", db_, {});
  ASSERT_EQ(broken.size(), 1U);
  EXPECT_EQ(broken[0].verdict, Verdict::impossible);
}

TEST(CheckCountsTest, each_check_is_counted_once) {
  std::vector<CheckOutcome> checks(4);
  checks[0].verdict = Verdict::passed;
  EXPECT_EQ(in_words(count_checks({checks[0]})), "1 of 1 checks passed");
  checks[1].verdict = Verdict::failed;
  checks[2].verdict = Verdict::impossible;
  checks[3].verdict = Verdict::skipped;
  EXPECT_EQ(in_words(count_checks(checks)), "1 of 4 checks passed, 2 failed, 1 not run");
  EXPECT_EQ(in_words(count_checks({checks[0], checks[3]}), ""), "1 of 2 passed, 1 not run");
}

class ReferenceTest : public ChecksTest {
 protected:
  CheckOutcome ask_rows(std::vector<stores::SqlAccess::Row> rows) {
    db_.answers["SELECT file"] = std::move(rows);
    return run_reference({"uploads", "db", "SELECT file", "media"}, subjects_, {});
  }
};

TEST_F(ReferenceTest, every_row_has_its_file) {
  media_.files = {{"a", ""}, {"b/c", ""}, {"orphan", ""}, {"b/orphan", ""}};
  const CheckOutcome outcome = ask_rows({{"a"}, {"./b//c"}, {"a", "ignored"}});
  EXPECT_EQ(outcome.verdict, Verdict::passed) << outcome.actual;
  EXPECT_EQ(outcome.kind, "reference");
  EXPECT_EQ(outcome.missing, 0U);
  EXPECT_EQ(outcome.orphans, 2U) << "orphans harm nobody";
  EXPECT_EQ(outcome.actual, "0 of 3 rows without their file; 2 files without a row");
  EXPECT_EQ(outcome.output, "");
}

TEST_F(ReferenceTest, what_is_missing_is_counted_and_named) {
  media_.files = {{"a", ""}};
  const CheckOutcome outcome = ask_rows({{"a"}, {"b\n"}, {"a/"}, {"c"}});
  EXPECT_EQ(outcome.verdict, Verdict::failed);
  EXPECT_EQ(outcome.missing, 2U);
  EXPECT_EQ(outcome.orphans, 0U);
  EXPECT_EQ(outcome.output,
            "\"b\\x0a\" does not exist, or is a link out of the store\n"
            "\"c\" does not exist, or is a link out of the store\n");
}

TEST_F(ReferenceTest, null_is_skipped_and_what_names_nothing_within_is_missing) {
  media_.files = {{"a", ""}};
  const CheckOutcome outcome =
      ask_rows({{std::nullopt}, {""}, {"/a"}, {"b/../a"}, {"."}, {".."}, {}, {"a"}});
  EXPECT_EQ(outcome.missing, 5U);
  EXPECT_EQ(outcome.actual,
            "5 of 6 rows without their file, of which 5 are no paths within the store; 0 files "
            "without a row");
  EXPECT_NE(outcome.output.find("\"\" is empty"), std::string::npos);
  EXPECT_NE(outcome.output.find("\"b/../a\" is not a path within the store"), std::string::npos);
}

TEST_F(ReferenceTest, at_most_20_are_named) {
  std::vector<stores::SqlAccess::Row> rows;
  for (int i = 0; i < 1000; ++i) rows.push_back({"f" + std::to_string(i)});
  const CheckOutcome outcome = ask_rows(rows);
  EXPECT_EQ(outcome.missing, 1000U);
  EXPECT_EQ(std::count(outcome.output.begin(), outcome.output.end(), '\n'), 20);
}

TEST_F(ReferenceTest, orphans_that_cannot_be_counted_change_no_verdict) {
  media_.files = {{"a", ""}};
  media_.breaks_list = true;
  const CheckOutcome outcome = ask_rows({{"a"}});
  EXPECT_EQ(outcome.verdict, Verdict::passed);
  EXPECT_EQ(outcome.missing, 0U);
  EXPECT_FALSE(outcome.orphans);
  EXPECT_EQ(outcome.actual,
            "0 of 1 rows without their file; files without a row were not counted: a directory "
            "can't be read");
}

TEST_F(ReferenceTest, no_rows_are_no_loss) {
  EXPECT_EQ(ask_rows({}).verdict, Verdict::passed);
}

TEST_F(ReferenceTest, what_cannot_be_asked_is_impossible) {
  const service::Reference wrong{"uploads", "db", "SELEKT", "media"};
  EXPECT_EQ(run_reference(wrong, subjects_, {}).verdict, Verdict::impossible);
  media_.breaks = true;
  EXPECT_EQ(ask_rows({{"a"}}).verdict, Verdict::impossible);
  db_.hangs = true;
  const service::Reference slow{"uploads", "db", "SELECT file", "media", 1};
  const CheckOutcome outcome = run_reference(slow, subjects_, {});
  EXPECT_EQ(outcome.actual, "no answer within its time limit of 1 s");
}

}  // namespace
}  // namespace salvor::checks
