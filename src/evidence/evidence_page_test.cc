#include "evidence/evidence_page.h"

#include <gtest/gtest.h>

#include "backend/memory.h"
#include "base/error.h"
#include "evidence/evidence.h"
#include "testing/test_repository.h"

namespace salvor::evidence {
namespace {

constexpr const char* kHostile = "<script>alert(\"x\")</script>&'";

EvidenceRecord record_of(std::string kind, std::string result = "succeeded") {
  EvidenceRecord record;
  record.kind = std::move(kind);
  record.service = "shop";
  record.started = parse_time("2026-02-03T04:05:06Z").value();
  record.ended = parse_time("2026-02-03T04:06:06Z").value();
  record.result = std::move(result);
  return record;
}

EvidenceRecord drill() {
  EvidenceRecord record = record_of("drill", "failed");
  record.rpo_objective_s = 900;
  record.rto_objective_s = 1800;
  record.rto_measured_s = 125;
  record.host = "db-1";
  record.started_by = kHostile;
  record.phases = {{"restore-db", 61.2, "done"}, {"validate", 3.5, "failed"}};
  checks::CheckOutcome good;
  good.name = "orders are there";
  good.kind = "sql";
  good.verdict = checks::Verdict::passed;
  good.expected = "true";
  good.actual = "1";
  good.seconds = 0.02;
  checks::CheckOutcome bad = good;
  bad.name = kHostile;
  bad.verdict = checks::Verdict::failed;
  bad.actual = kHostile;
  record.checks = {good, bad};
  record.deviations = {kHostile};
  record.not_covered = {kHostile, "front page: asks the live service"};
  return record;
}

class EvidencePageTest : public ::testing::Test {
 protected:
  EvidencePageTest() {
    testing::create_repository(memory_);
    repository_ = testing::open_repository(memory_, repo::Access::write);
  }
  std::string page(std::string_view file = "evidence.json") {
    return evidence_page(export_chain(*repository_, "shop", Clock::system().now()), file);
  }
  static std::size_t count(const std::string& text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
      ++found;
    }
    return found;
  }

  backend::MemoryBackend memory_;
  std::unique_ptr<repo::Repository> repository_;
};

TEST_F(EvidencePageTest, shows_objectives_records_checks_and_what_is_not_covered) {
  EvidenceRecord late = record_of("backup");
  late.rpo_objective_s = 900;
  late.rpo_measured_s = 1200;
  append(*repository_, late);
  append(*repository_, drill());
  const std::string text = page();
  for (const char* expected :
       {"Evidence: service shop", "2 signed records", "15 min", "30 min", "2 min 5 s",
        "orders are there", "1 of 2 passed", "front page: asks the live service", "restore-db",
        "How to verify", "evidence verify evidence.json --key public.pem", "never",
        "20 min 0 s, missed"}) {
    EXPECT_NE(text.find(expected), std::string::npos) << expected;
  }
  EXPECT_NE(text.find(key_id_of(signing_key(*repository_).public_key())), std::string::npos);
}

TEST_F(EvidencePageTest, what_records_say_is_never_markup) {
  append(*repository_, drill());
  const std::string text = page(kHostile);
  EXPECT_EQ(text.find("<script"), std::string::npos);
  EXPECT_EQ(count(text, "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;"), 7U);
}

TEST_F(EvidencePageTest, nothing_is_fetched_or_run) {
  append(*repository_, drill());
  const std::string text = page();
  for (const char* forbidden : {"http://", "https://", "src=", "href=", "@import", "url(",
                                "on"
                                "click"}) {
    EXPECT_EQ(text.find(forbidden), std::string::npos) << forbidden;
  }
}

TEST_F(EvidencePageTest, a_service_without_records_has_a_page) {
  EXPECT_NE(page().find("0 signed records"), std::string::npos);
}

TEST_F(EvidencePageTest, what_is_no_export_is_refused) {
  EXPECT_THROW(evidence_page("nonsense", "x"), Error);
  EXPECT_THROW(evidence_page("{\"records\":[{}]}", "x"), Error);
}

}  // namespace
}  // namespace salvor::evidence
