#include "evidence/evidence.h"

#include <gtest/gtest.h>

#include "backend/fault.h"
#include "backend/memory.h"
#include "base/error.h"
#include "base/json.h"
#include "repo/records.h"
#include "repo/session.h"
#include "testing/test_repository.h"

namespace salvor::evidence {
namespace {

using backend::MemoryBackend;
using nlohmann::json;
using testing::open_repository;

constexpr std::size_t kRecords = 4;

EvidenceRecord evidence_record_of(std::string kind, std::string service = "shop") {
  EvidenceRecord record;
  record.kind = std::move(kind);
  record.run = "20260203t040506-1a2b3c4d";
  record.service = std::move(service);
  record.host = "host";
  record.version = "0.1.0";
  record.trigger = "command";
  record.started = parse_time("2026-02-03T04:05:06Z").value();
  record.ended = parse_time("2026-02-03T04:06:06.5Z").value();
  record.result = "succeeded";
  return record;
}

/// Everything that a record can say.
EvidenceRecord full_record() {
  EvidenceRecord record = evidence_record_of("drill");
  repo::Point point;
  point.id = repo::PointId::parse("00112233445566ff").value();
  point.service = "shop";
  point.time = record.started;
  repo::Snapshot snapshot;
  snapshot.store = "media";
  snapshot.type = "files";
  snapshot.entries = 7;
  snapshot.content_bytes = 1234;
  point.snapshots.push_back(snapshot);
  record.point = point;
  record.policy_sha256 = std::string(64, 'a');
  record.rpo_objective_s = 900;
  record.rto_objective_s = 1800;
  record.rpo_measured_s = 12.3456;
  record.rto_measured_s = 60.5;
  record.phases = {{"restore-media", 1.5, "done"}, {"validate", std::nullopt, ""}};
  checks::CheckOutcome check;
  check.name = "<b>logo</b>\n";
  check.kind = "path";
  check.store = "media";
  check.verdict = checks::Verdict::failed;
  check.expected = "it exists";
  check.actual = "it does not";
  check.output = "some output";
  check.missing = 3;
  record.checks = {check};
  record.deviations = {"later than planned"};
  record.not_covered = {"front page"};
  record.started_by = "alice";
  record.confirmed_by = "shop";
  return record;
}

json statement_in(const std::string& envelope) {
  return parse_json(summarise(envelope).statement);
}

std::string problems_of(const EvidenceReport& report) {
  std::string lines;
  for (const EvidenceProblem& problem : report.problems) {
    lines += std::to_string(problem.record) + ": " + problem.what + "\n";
  }
  return lines;
}

class EvidenceTest : public ::testing::Test {
 protected:
  EvidenceTest() {
    testing::create_repository(memory_);
    repository_ = open_repository(memory_, repo::Access::write);
  }

  void fill(std::size_t records = kRecords) {
    for (std::size_t i = 0; i < records; ++i) {
      append(*repository_, i % 2 == 0 ? evidence_record_of("backup") : full_record());
    }
  }
  std::string object(std::uint64_t number, const std::string& service = "shop") {
    return repo::Chain(*repository_, repo::ChainKind::evidence, service).object_name(number);
  }
  std::vector<std::string> envelopes(const std::string& service = "shop") {
    std::vector<std::string> all;
    read_chain(*repository_, service,
               [&](const StoredEvidence& stored) { all.push_back(stored.envelope); });
    return all;
  }
  std::string exported() {
    return export_chain(*repository_, "shop", parse_time("2026-02-04T00:00:00Z").value());
  }
  Bytes public_key() { return signing_key(*repository_).public_key(); }
  std::string problems(std::uint64_t seen = 0) {
    return problems_of(verify_chain(*repository_, "shop", seen));
  }
  std::string problems_in(const json& document) {
    return problems_of(verify_export(write_json(document), public_key()));
  }
  /// A point of the service that knows the chain as it is now.
  void commit_point() {
    const auto session = repository_->begin();
    repo::Point point;
    point.service = "shop";
    point.time = Clock::system().now();
    point.facts[std::string(kEvidenceHeadFact)] = to_fact(head_of(*repository_, "shop"));
    session->commit(point);
  }

  MemoryBackend memory_;
  std::unique_ptr<repo::Repository> repository_;
};

TEST_F(EvidenceTest, a_record_says_what_is_known_and_nothing_else) {
  append(*repository_, evidence_record_of("backup"));
  append(*repository_, full_record());
  const std::vector<std::string> stored = envelopes();
  const json plain = statement_in(stored.at(0));
  EXPECT_EQ(plain["_type"], "https://in-toto.io/Statement/v1");
  EXPECT_EQ(plain["subject"][0]["name"], "repository " + repository_->id().hex());
  EXPECT_EQ(plain["subject"][0]["digest"]["sha256"], to_hex(repo::log_head(*repository_)));
  const json& predicate = plain["predicate"];
  EXPECT_EQ(predicate["sequence"], 1);
  EXPECT_EQ(predicate["previous"], "");
  for (const char* name : {"point", "policy", "objectives", "measured", "checks", "deviations",
                           "not_covered", "started_by", "confirmed_by"}) {
    EXPECT_FALSE(predicate.contains(name)) << name;
  }
  const json full = statement_in(stored.at(1));
  EXPECT_EQ(full["subject"][0]["name"], "recovery point 00112233445566ff");
  EXPECT_EQ(full["subject"][0]["digest"]["sha256"],
            to_hex(codec::sha256(repo::encode(*full_record().point))));
  EXPECT_EQ(full["predicate"]["previous"], to_hex(codec::sha256(as_bytes(stored.at(0)))));
  EXPECT_EQ(full["predicate"]["measured"]["rpo_s"], 12.346);
  EXPECT_EQ(full["predicate"]["measured"]["phases"].size(), 2U);
  EXPECT_FALSE(full["predicate"]["measured"]["phases"][1].contains("seconds"));
  EXPECT_EQ(full["predicate"]["checks"][0]["verdict"], "failed");
  EXPECT_EQ(full["predicate"]["checks"][0]["missing"], 3);
  EXPECT_EQ(full["predicate"]["checks"][0]["output_sha256"],
            to_hex(codec::sha256(as_bytes("some output"))));
  EXPECT_EQ(problems(), "");
}

TEST_F(EvidenceTest, chains_of_services_are_apart) {
  EXPECT_EQ(append(*repository_, evidence_record_of("backup", "shop")).sequence, 1U);
  EXPECT_EQ(append(*repository_, evidence_record_of("verify", "")).sequence, 1U);
  EXPECT_EQ(append(*repository_, evidence_record_of("backup", "shop")).sequence, 2U);
  EXPECT_EQ(envelopes("").size(), 1U);
  EXPECT_TRUE(verify_chain(*repository_, "", 1).sound());
  EXPECT_TRUE(verify_chain(*repository_, "never", 0).sound());
}

TEST_F(EvidenceTest, a_lost_race_takes_the_next_number) {
  backend::FaultBackend fault(memory_);
  const auto slow = open_repository(fault, repo::Access::write);
  bool raced = false;
  fault.on([&](const backend::Call& call) -> std::optional<backend::Fault> {
    if (call.operation == backend::Operation::put && !raced) {
      raced = true;
      append(*repository_, evidence_record_of("backup"));
    }
    return std::nullopt;
  });
  EXPECT_EQ(append(*slow, evidence_record_of("drill")).sequence, 2U);
  EXPECT_EQ(problems(), "");
  EXPECT_EQ(summarise(envelopes().at(1)).kind, "drill");
}

TEST_F(EvidenceTest, a_lost_answer_leaves_one_record) {
  backend::FaultBackend fault(memory_);
  const auto opened = open_repository(fault, repo::Access::write);
  fault.on([](const backend::Call& call) -> std::optional<backend::Fault> {
    if (call.operation == backend::Operation::put) return backend::Fault::unreachable_after();
    return std::nullopt;
  });
  EXPECT_EQ(append(*opened, evidence_record_of("backup")).sequence, 1U);
  EXPECT_EQ(envelopes().size(), 1U);
}

TEST_F(EvidenceTest, a_record_that_is_removed_moved_or_damaged_is_found) {
  fill();
  const auto good = memory_.objects();
  memory_.remove(object(2));
  EXPECT_NE(problems().find("2: " + object(2) + " is missing"), std::string::npos);
  memory_.objects()[object(2)] = good.at(object(3));
  EXPECT_NE(problems().find("2: " + object(2) + " is damaged"), std::string::npos);
  memory_.objects() = good;
  EXPECT_EQ(problems(), "");
}

TEST_F(EvidenceTest, an_end_that_was_cut_off_is_found) {
  fill();
  EXPECT_EQ(problems(kRecords), "");
  commit_point();
  memory_.remove(object(4));
  EXPECT_NE(problems().find("the end is cut off: found 3 records, but recovery point"),
            std::string::npos);
  EXPECT_NE(problems(4).find("but this machine knows 4"), std::string::npos);
  // What is written then says so, and does not hide it.
  append(*repository_, evidence_record_of("backup"));
  EXPECT_NE(problems().find("4: it is not the record that recovery point"), std::string::npos);
  EXPECT_EQ(statement_in(envelopes().at(3))["predicate"]["deviations"][0],
            "the end of the evidence is lost: found 3 records, though there were 4");
}

TEST_F(EvidenceTest, evidence_goes_on_after_a_damaged_record) {
  fill(2);
  memory_.objects()[object(2)][60] ^= std::byte{1};
  append(*repository_, evidence_record_of("backup"));
  EXPECT_EQ(statement_in(envelopes().at(2))["predicate"]["previous"], "");
  const std::string found = problems();
  EXPECT_NE(found.find("2: " + object(2) + " is damaged"), std::string::npos);
  EXPECT_EQ(found.find("3: "), std::string::npos) << found;
}

TEST_F(EvidenceTest, an_export_is_verified_by_itself) {
  fill();
  const std::string text = exported();
  const EvidenceReport report = verify_export(text, public_key());
  EXPECT_EQ(problems_of(report), "");
  EXPECT_EQ(report.records, kRecords);
  EXPECT_EQ(report.service, "shop");
  EXPECT_EQ(report.repository, repository_->id().hex());
  EXPECT_EQ(report.exported, "2026-02-04T00:00:00.000000Z");
  EXPECT_TRUE(report.key_was_given);
  const EvidenceReport alone = verify_export(text, {});
  EXPECT_TRUE(alone.sound());
  EXPECT_FALSE(alone.key_was_given);
  const codec::SigningKey other(Bytes(32, std::byte{1}));
  EXPECT_FALSE(verify_export(text, other.public_key()).sound());
  const std::string empty =
      export_chain(*repository_, "never", parse_time("2026-02-04T00:00:00Z").value());
  EXPECT_TRUE(verify_export(empty, public_key()).sound());
}

TEST_F(EvidenceTest, every_changed_byte_of_an_export_is_found) {
  fill(1);
  const std::string text = exported();
  const json meant = parse_json(text);
  std::size_t found = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const int mask : {1, 32}) {
      std::string changed = text;
      changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ mask);
      // Another blank between two members is no other content.
      if (try_parse_json(changed) == meant) continue;
      ++found;
      EXPECT_FALSE(verify_export(changed, public_key()).sound()) << "byte " << at << " of\n"
                                                                 << changed;
    }
  }
  EXPECT_GT(found, text.size() / 2);
  for (std::size_t size = 0; size + 2 < text.size(); size += 7) {
    EXPECT_FALSE(verify_export(text.substr(0, size), public_key()).sound());
  }
}

TEST_F(EvidenceTest, records_of_an_export_removed_reordered_or_cut_off_are_found) {
  fill();
  const json good = parse_json(exported());
  ASSERT_EQ(problems_in(good), "");
  json removed = good;
  removed["records"].erase(1);
  EXPECT_NE(problems_in(removed).find("2: its sequence is 3, expected 2"), std::string::npos);
  json reordered = good;
  std::swap(reordered["records"][1], reordered["records"][2]);
  EXPECT_NE(problems_in(reordered).find("2: its sequence is 3, expected 2"), std::string::npos);
  json cut = good;
  cut["records"].erase(3);
  EXPECT_NE(problems_in(cut).find("the head says that sequence is 4, found 3"), std::string::npos);
  json doubled = good;
  doubled["records"].push_back(good["records"][3]);
  EXPECT_FALSE(problems_in(doubled).empty());
  json headless = good;
  headless.erase("head");
  EXPECT_FALSE(problems_in(headless).empty());
  json record_as_head = good;
  record_as_head["head"] = good["records"][3];
  EXPECT_FALSE(problems_in(record_as_head).empty());
  json head_as_record = good;
  head_as_record["records"][3] = good["head"];
  EXPECT_FALSE(problems_in(head_as_record).empty());
  json other_service = good;
  other_service["service"] = "blog";
  EXPECT_FALSE(problems_in(other_service).empty());
  json more = good;
  more["records"][0]["note"] = "harmless?";
  EXPECT_FALSE(problems_in(more).empty());
  json signed_twice = good;
  signed_twice["records"][0]["signatures"].push_back(good["records"][0]["signatures"][0]);
  EXPECT_FALSE(problems_in(signed_twice).empty());
}

TEST_F(EvidenceTest, what_is_no_export_is_a_problem_and_no_crash) {
  const std::string deep = "{\"records\":" + std::string(1'000'000, '[');
  EXPECT_FALSE(verify_export(deep, public_key()).sound());
  const std::string closed = deep + std::string(1'000'000, ']') + "}";
  EXPECT_FALSE(verify_export(closed, public_key()).sound());
  for (const char* text : {"", "{}", "[]", "null", "{\"records\":[]}", "{\"records\":[1,null,[]]}",
                           "{\"records\":{},\"public_key\":7}", "\xff\xfe"}) {
    EXPECT_FALSE(verify_export(text, {}).sound()) << text;
    EXPECT_FALSE(verify_export(text, public_key()).sound()) << text;
  }
}

TEST_F(EvidenceTest, a_run_that_met_everything_still_fits) {
  EvidenceRecord record = full_record();
  record.checks.assign(1200, record.checks.front());
  for (checks::CheckOutcome& check : record.checks)
    check.actual = std::string(1'000'000 / 50, '\\');
  record.deviations.assign(1500, std::string(5000, '\xff'));
  append(*repository_, record);
  const json predicate = statement_in(envelopes().at(0))["predicate"];
  EXPECT_EQ(predicate["checks"].size(), 1000U);
  EXPECT_EQ(predicate["checks_omitted"], 200);
  EXPECT_EQ(predicate["deviations_omitted"], 500);
  EXPECT_EQ(problems(), "");
}

TEST_F(EvidenceTest, heads_travel_as_facts) {
  const EvidenceHead head{12, std::string(64, 'b')};
  EXPECT_EQ(parse_head(to_fact(head)), head);
  EXPECT_EQ(parse_head(to_fact({})), EvidenceHead{});
  for (const char* text : {"", "12", "x:", ":abc", "-1:abc"})
    EXPECT_FALSE(parse_head(text)) << text;
}

TEST_F(EvidenceTest, the_key_survives_a_rotation) {
  fill(1);
  const Bytes before = public_key();
  repository_->rotate();
  repository_ = open_repository(memory_, repo::Access::write);
  EXPECT_EQ(public_key(), before);
  fill(1);
  EXPECT_EQ(problems(2), "");
}

TEST(WaitingEvidenceTest, is_appended_as_it_was_and_says_so) {
  MemoryBackend memory;
  testing::create_repository(memory);
  const auto repository = open_repository(memory, repo::Access::write);
  append(*repository, evidence_record_of("backup"));
  const WaitingRecord waiting{"shop", seal_waiting(*repository, full_record()), "full\n", 1};
  EXPECT_EQ(summarise_waiting(*repository, waiting.envelope).kind, "drill");
  EXPECT_EQ(append_waiting(*repository, waiting).sequence, 2U);
  const json predicate =
      statement_in(find_envelope(*repository, "shop", 2).value()).at("predicate");
  EXPECT_EQ(predicate.at("ended"), "2026-02-03T04:06:06.500000Z");
  EXPECT_EQ(predicate.at("sequence"), 2);
  ASSERT_EQ(predicate.at("deviations").size(), 2U);
  const std::string why = predicate.at("deviations").at(0);
  EXPECT_NE(why.find("could not be written to before: full\\x0a"), std::string::npos) << why;
  EXPECT_EQ(predicate.at("deviations").at(1), "later than planned");
  const auto was_late = [&](std::uint64_t number) {
    return summarise(find_envelope(*repository, "shop", number).value()).was_late;
  };
  EXPECT_FALSE(was_late(1));
  EXPECT_TRUE(was_late(2));
  EXPECT_TRUE(verify_chain(*repository, "shop", 2).sound());
}

TEST(WaitingEvidenceTest, is_appended_once) {
  MemoryBackend memory;
  testing::create_repository(memory);
  const auto repository = open_repository(memory, repo::Access::write);
  const WaitingRecord waiting{"shop", seal_waiting(*repository, full_record()), "full", 0};
  const EvidenceHead head = append_waiting(*repository, waiting);
  append(*repository, evidence_record_of("backup"));
  EXPECT_EQ(append_waiting(*repository, waiting), head);
  // The undo of a run is a record of the same run and kind.
  EvidenceRecord later = full_record();
  later.ended = parse_time("2026-02-03T05:00:00Z").value();
  EXPECT_EQ(
      append_waiting(*repository, {"shop", seal_waiting(*repository, later), "full", 0}).sequence,
      3U);
  EXPECT_EQ(verify_chain(*repository, "shop", 3).records, 3U);
}

TEST(WaitingEvidenceTest, is_of_its_repository_and_unchanged) {
  MemoryBackend memory;
  MemoryBackend elsewhere;
  testing::create_repository(memory);
  testing::create_repository(elsewhere);
  const auto repository = open_repository(memory, repo::Access::write);
  const auto other = open_repository(elsewhere, repo::Access::write);
  const auto code = [&](const std::string& envelope) {
    try {
      append_waiting(*repository, {"shop", envelope, "full", 0});
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::usage;
  };
  EXPECT_EQ(code(seal_waiting(*other, full_record())), ErrorCode::corruption);
  std::string changed = seal_waiting(*repository, full_record());
  changed.replace(changed.find("\"payload\":\"") + 11, 4, "AAAA");
  EXPECT_EQ(code(changed), ErrorCode::corruption);
  EXPECT_EQ(head_of(*repository, "shop").sequence, 0U);
}

}  // namespace
}  // namespace salvor::evidence
