#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <set>

#include "backend/fault.h"
#include "backend/local.h"
#include "backend/memory.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "evidence/evidence.h"
#include "evidence/evidence_page.h"
#include "repo/records.h"
#include "repo/session.h"
#include "testing/test_repository.h"

/// Records of evidence that are lost: named by a signed record, or damage.
namespace salvor::evidence {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EvidenceGapsTest : public ::testing::Test {
 protected:
  EvidenceGapsTest() {
    testing::create_repository(memory_);
    repository_ = testing::open_repository(memory_, repo::Access::write);
    for (int i = 0; i < 4; ++i) append(*repository_, plain("backup"));
  }

  static EvidenceRecord plain(std::string kind) {
    EvidenceRecord record;
    record.kind = std::move(kind);
    record.run = "20260203t040506-1a2b3c4d";
    record.service = "shop";
    record.host = "host";
    record.result = "succeeded";
    record.started = parse_time("2026-02-03T04:05:06Z").value();
    record.ended = record.started;
    return record;
  }
  std::string object(std::uint64_t number) {
    return repo::Chain(*repository_, repo::ChainKind::evidence, "shop").object_name(number);
  }
  void rot(std::uint64_t number) { memory_.objects()[object(number)].at(60) ^= std::byte{1}; }
  std::string envelope(std::uint64_t number) {
    return find_envelope(*repository_, "shop", number).value();
  }
  std::string digest(std::uint64_t number) {
    return to_hex(codec::sha256(as_bytes(envelope(number))));
  }
  std::vector<std::string> repair(std::uint64_t seen = 0) {
    return repair_chain(*repository_, plain("verify"), seen);
  }
  EvidenceReport verified(std::uint64_t seen = 0) {
    return verify_chain(*repository_, "shop", seen);
  }
  std::vector<std::uint64_t> gaps(std::uint64_t seen = 0) {
    std::vector<std::uint64_t> numbers;
    for (const EvidenceGap& gap : verified(seen).gaps) numbers.push_back(gap.record);
    return numbers;
  }
  /// The problems of a chain or a file, a line each.
  static std::string lines_of(const EvidenceReport& report) {
    std::string lines;
    for (const EvidenceProblem& problem : report.problems) {
      lines += std::to_string(problem.record) + ": " + problem.what + "\n";
    }
    return lines;
  }
  json predicate(std::uint64_t number) {
    return parse_json(summarise(envelope(number)).statement)["predicate"];
  }
  std::string exported(Gaps gaps = Gaps::refuse) {
    return export_chain(*repository_, "shop", parse_time("2026-02-04T00:00:00Z").value(), gaps);
  }
  EvidenceReport verified_file(const std::string& text) {
    return verify_export(text, signing_key(*repository_).public_key());
  }
  void commit_knowing_head() {
    const auto session = repository_->begin();
    repo::Point point;
    point.service = "shop";
    point.time = Clock::system().now();
    point.facts[std::string(kEvidenceHeadFact)] = to_fact(head_of(*repository_, "shop"));
    session->commit(point);
  }

  backend::MemoryBackend memory_;
  std::unique_ptr<repo::Repository> repository_;
};

TEST_F(EvidenceGapsTest, a_lost_record_is_named_and_set_aside_once) {
  const std::string lost = digest(2);
  const Bytes third = memory_.objects().at(object(3));
  rot(2);
  const Bytes rotten = memory_.objects().at(object(2));
  EXPECT_FALSE(verified().sound());
  EXPECT_THAT(repair(), ElementsAre("wrote into the evidence of shop that 1 of its records is lost",
                                    HasSubstr(" aside as damaged/evidence-")));
  const EvidenceReport report = verified(5);
  EXPECT_EQ(lines_of(report), "");
  ASSERT_EQ(report.gaps.size(), 1U);
  EXPECT_EQ(report.gaps[0].record, 2U);
  EXPECT_EQ(report.gaps[0].named_by, 5U);
  EXPECT_EQ(report.gaps[0].digest, lost) << "record 3 knows it";
  EXPECT_EQ(predicate(5)["kind"], "lost");
  EXPECT_EQ(predicate(5)["run"], "20260203t040506-1a2b3c4d");
  EXPECT_EQ(predicate(5)["lost"], parse_json(R"([{"record": 2, "sha256": ")" + lost + "\"}]"));
  EXPECT_EQ(predicate(5)["previous"], digest(4));
  EXPECT_EQ(memory_.objects().at(object(3)), third) << "nothing is rewritten";
  bool is_kept = false;
  for (const auto& [name, bytes] : memory_.objects()) {
    is_kept = is_kept || (name.starts_with("damaged/") && bytes == rotten);
  }
  EXPECT_TRUE(is_kept);
  EXPECT_EQ(testing::damage_of(memory_, false), "");
  const auto before = memory_.objects();
  EXPECT_THAT(repair(5), IsEmpty());
  EXPECT_EQ(memory_.objects(), before);
  EXPECT_THROW(find_envelope(*repository_, "shop", 2), Error);
}

TEST_F(EvidenceGapsTest, whichever_records_are_lost_the_chain_verifies_again) {
  const auto good = memory_.objects();
  for (const std::vector<std::uint64_t>& lost :
       {std::vector<std::uint64_t>{1}, {4}, {2, 3}, {3, 4}, {1, 2, 3, 4}}) {
    SCOPED_TRACE(lost.size());
    memory_.objects() = good;
    for (const std::uint64_t number : lost) rot(number);
    EXPECT_FALSE(verified().sound());
    repair();
    EXPECT_EQ(lines_of(verified(5)), "");
    EXPECT_EQ(gaps(), lost);
    append(*repository_, plain("backup"));
    EXPECT_EQ(lines_of(verified(6)), "");
    EXPECT_FALSE(predicate(6).contains("deviations"));
    EXPECT_EQ(testing::damage_of(memory_, false), "");
    const EvidenceReport file = verified_file(exported());
    EXPECT_EQ(lines_of(file), "");
    EXPECT_EQ(file.gaps.size(), lost.size());
  }
}

TEST_F(EvidenceGapsTest, what_rots_later_is_damage) {
  rot(2);
  repair();
  rot(3);
  EXPECT_THAT(lines_of(verified()), HasSubstr("3: " + object(3)));
  EXPECT_THROW(exported(), Error);
  memory_.remove(object(3));
  EXPECT_THAT(lines_of(verified()), HasSubstr("3: " + object(3) + " is missing"));
}

TEST_F(EvidenceGapsTest, the_record_that_names_others_may_rot_itself) {
  rot(2);
  repair();
  rot(5);
  EXPECT_EQ(verified().problems.size(), 2U) << lines_of(verified());
  repair();
  EXPECT_EQ(lines_of(verified()), "");
  EXPECT_EQ(gaps(), (std::vector<std::uint64_t>{2, 5}));
  EXPECT_EQ(verified().gaps[0].named_by, 6U);
}

TEST_F(EvidenceGapsTest, an_end_that_was_cut_off_is_named_and_no_number_is_given_twice) {
  commit_knowing_head();
  const std::string lost = digest(4);
  memory_.remove(object(4));
  memory_.remove(object(3));
  EXPECT_FALSE(verified(5).sound());
  repair(5);
  EXPECT_EQ(lines_of(verified(6)), "");
  EXPECT_EQ(gaps(), (std::vector<std::uint64_t>{3, 4, 5}));
  EXPECT_EQ(verified().gaps[1].digest, lost) << "the recovery point knows it";
  EXPECT_EQ(predicate(6)["kind"], "lost");
  EXPECT_EQ(testing::damage_of(memory_, false), "");
}

TEST_F(EvidenceGapsTest, a_number_that_was_given_again_is_named_by_its_digest) {
  commit_knowing_head();
  const std::string lost = digest(4);
  memory_.remove(object(4));
  append(*repository_, plain("backup"));
  EXPECT_THAT(lines_of(verified()), HasSubstr("4: it is not the record that recovery point"));
  repair();
  EXPECT_EQ(lines_of(verified()), "");
  EXPECT_EQ(predicate(5)["lost"][0]["sha256"], lost);
  EXPECT_THAT(repair(), IsEmpty());
  rot(4);
  append(*repository_, plain("backup"));
  EXPECT_FALSE(verified().sound()) << "another one was named";
}

TEST_F(EvidenceGapsTest, the_digest_of_a_lost_head_is_known_by_the_points) {
  commit_knowing_head();
  const std::string lost = digest(4);
  rot(4);
  EXPECT_EQ(head_of(*repository_, "shop"), (EvidenceHead{4, lost}));
  repair();
  EXPECT_EQ(predicate(5)["previous"], lost);
  EXPECT_EQ(predicate(5)["lost"][0]["sha256"], lost);
  EXPECT_EQ(lines_of(verified()), "");
}

TEST_F(EvidenceGapsTest, a_repair_killed_anywhere_is_finished_by_the_next) {
  rot(2);
  rot(4);
  const auto damaged = memory_.objects();
  for (std::uint64_t call = 1;; ++call) {
    SCOPED_TRACE(call);
    memory_.objects() = damaged;
    backend::FaultBackend fault(memory_);
    const auto opened = testing::open_repository(fault, repo::Access::write);
    fault.at(fault.calls() + call, backend::Fault::kill_after());
    bool is_killed = false;
    try {
      repair_chain(*opened, plain("verify"), 4);
    } catch (const backend::Killed&) {
      is_killed = true;
    }
    repair(4);
    EXPECT_EQ(lines_of(verified(5)), "");
    EXPECT_EQ(gaps(), (std::vector<std::uint64_t>{2, 4}));
    EXPECT_EQ(verified().records, 5U) << "the second adds nothing";
    EXPECT_EQ(testing::damage_of(memory_, false), "");
    if (!is_killed) break;
  }
}

/// A medium with bad places, which it gives again another time.
class UnreadableTest : public EvidenceGapsTest {
 protected:
  UnreadableTest() : directory_("/tmp") { make_medium(); }

  void make_medium() {
    const auto plain_one = backend::create_local(directory_.path() / "medium");
    for (const auto& [name, bytes] : memory_.objects()) plain_one->put_if_absent(name, bytes);
    backend::LocalOptions options;
    options.read_fault = [this](const std::string& name, std::uint64_t, std::size_t) {
      if (unreadable_.contains(name)) return EIO;
      if (name != flaky_) return 0;
      const std::uint64_t number = reads_++;
      return number >= good_ && number < good_ + bad_ ? EIO : 0;
    };
    medium_ = backend::open_local(directory_.path() / "medium", options);
    repository_ = testing::open_repository(*medium_, repo::Access::write);
  }
  void break_down(std::uint64_t number) { unreadable_.insert(object(number)); }
  /// From now on `good` reads of the record succeed, the next `bad` ones fail, and the others
  /// succeed again.
  void falter(std::uint64_t number, std::uint64_t good, std::uint64_t bad) {
    flaky_ = object(number);
    reads_ = 0;
    good_ = good;
    bad_ = bad;
  }
  void recover() { flaky_.clear(); }
  /// The repository as it was, on a new medium.
  void begin_again() {
    recover();
    repository_ = nullptr;
    medium_ = nullptr;
    std::filesystem::remove_all(directory_.path() / "medium");
    make_medium();
  }
  std::size_t objects_on_medium() {
    std::size_t count = 0;
    medium_->list("", "", [&count](const backend::Object&) { ++count; });
    return count;
  }
  /// What a command does that may be refused; false: it was.
  template <class Call>
  static bool succeeds(const Call& call) {
    try {
      call();
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unreachable) << error.message();
      return false;
    }
  }

  TemporaryDirectory directory_;
  std::set<std::string> unreadable_;
  std::string flaky_;
  std::uint64_t reads_ = 0;
  std::uint64_t good_ = 0;
  std::uint64_t bad_ = 0;
  std::unique_ptr<backend::Backend> medium_;
};

TEST_F(UnreadableTest, what_can_not_be_read_now_is_not_named_lost) {
  break_down(2);
  medium_->remove(object(3));
  EXPECT_FALSE(verified().sound());
  const std::vector<std::string> done = repair();
  EXPECT_THAT(done, ElementsAre("wrote into the evidence of shop that 1 of its records is lost",
                                HasSubstr("can't be read"), HasSubstr("is lost")));
  EXPECT_EQ(predicate(5)["lost"].size(), 1U);
  EXPECT_EQ(predicate(5)["lost"][0]["record"], 3);
  EXPECT_FALSE(verified().sound()) << "it is damage as long as it can't be read";
  unreadable_.clear();
  EXPECT_EQ(lines_of(verified()), "");
  EXPECT_EQ(gaps(), (std::vector<std::uint64_t>{3}));
}

TEST_F(UnreadableTest, behind_what_can_not_be_read_now_nothing_is_written) {
  break_down(4);
  medium_->remove(object(2));
  EXPECT_THAT(repair(), ElementsAre(HasSubstr("can't be read")));
  EXPECT_EQ(verified().records, 4U);
  try {
    append(*repository_, plain("backup"));
    FAIL() << "it was appended";
  } catch (const Error& error) {
    EXPECT_TRUE(error.unwritable()) << "it waits";
    EXPECT_EQ(error.code(), ErrorCode::unreachable);
    EXPECT_THAT(error.message(), HasSubstr("can't be continued"));
  }
  EXPECT_EQ(head_of(*repository_, "shop").sequence, 4U);
  unreadable_.clear();
  append(*repository_, plain("backup"));
  repair();
  EXPECT_EQ(lines_of(verified()), "");
  EXPECT_EQ(gaps(), (std::vector<std::uint64_t>{2}));
}

/// How a medium falters that gives a record again within one command: after so many good reads of
/// it so many bad ones.
constexpr std::uint64_t kReadsMax = 6;

TEST_F(UnreadableTest, a_medium_that_falters_makes_no_record_lost) {
  for (std::uint64_t good = 0; good <= kReadsMax; ++good) {
    for (std::uint64_t bad = 0; bad <= kReadsMax; ++bad) {
      SCOPED_TRACE(::testing::Message() << good << " good reads, then " << bad << " bad ones");
      begin_again();
      const std::size_t before = objects_on_medium();
      falter(2, good, bad);
      succeeds([&] { repair(); });
      recover();
      EXPECT_EQ(lines_of(verified(4)), "");
      EXPECT_THAT(gaps(), IsEmpty());
      EXPECT_EQ(objects_on_medium(), before);
    }
  }
}

TEST_F(UnreadableTest, behind_a_record_that_falters_the_chain_goes_on_or_waits) {
  for (std::uint64_t good = 0; good <= kReadsMax; ++good) {
    for (std::uint64_t bad = 0; bad <= kReadsMax; ++bad) {
      SCOPED_TRACE(::testing::Message() << good << " good reads, then " << bad << " bad ones");
      begin_again();
      falter(4, good, bad);
      const bool is_appended = succeeds([&] { append(*repository_, plain("backup")); });
      recover();
      EXPECT_EQ(verified().records, is_appended ? 5U : 4U);
      if (!is_appended) append(*repository_, plain("backup"));
      EXPECT_EQ(lines_of(verified(5)), "");
      EXPECT_EQ(predicate(5)["previous"], digest(4));
      EXPECT_FALSE(predicate(5).contains("deviations"));
    }
  }
}

TEST_F(UnreadableTest, a_repair_behind_a_record_that_falters_breaks_nothing) {
  for (std::uint64_t good = 0; good <= kReadsMax; ++good) {
    for (std::uint64_t bad = 0; bad <= kReadsMax; ++bad) {
      SCOPED_TRACE(::testing::Message() << good << " good reads, then " << bad << " bad ones");
      begin_again();
      medium_->remove(object(2));
      falter(4, good, bad);
      succeeds([&] { repair(); });
      recover();
      EXPECT_TRUE(verified().is_sound_but_for_gaps()) << lines_of(verified());
      repair();
      EXPECT_EQ(lines_of(verified(5)), "");
      EXPECT_EQ(gaps(), (std::vector<std::uint64_t>{2}));
      EXPECT_EQ(verified().records, 5U);
      EXPECT_EQ(predicate(5)["previous"], digest(4));
    }
  }
}

TEST_F(UnreadableTest, a_medium_that_does_not_answer_at_first_makes_no_record_lost) {
  for (std::uint64_t number : {2U, 4U}) {
    for (std::uint64_t bad = 0; bad <= kReadsMax; ++bad) {
      SCOPED_TRACE(::testing::Message() << "record " << number << ": " << bad << " bad reads");
      backend::MemoryBackend memory;
      memory.objects() = memory_.objects();
      memory.remove(object(number == 2 ? 3 : 2));
      backend::FaultBackend faulty(memory);
      std::uint64_t left = bad;
      const std::string name = object(number);
      repository_ = testing::open_repository(faulty, repo::Access::write);
      faulty.on([&](const backend::Call& call) -> std::optional<backend::Fault> {
        if (call.operation != backend::Operation::get || call.name != name || left == 0) return {};
        --left;
        return backend::Fault::unreachable_before();
      });
      while (!succeeds([&] { append(*repository_, plain("backup")); })) {
      }
      while (!succeeds([&] { repair(); })) {
      }
      EXPECT_EQ(lines_of(verified(6)), "");
      EXPECT_EQ(gaps().size(), 1U);
      EXPECT_FALSE(predicate(5).contains("deviations"));
      repository_ = nullptr;
      repository_ = testing::open_repository(*medium_, repo::Access::write);
    }
  }
}

TEST_F(UnreadableTest, evidence_that_waits_is_not_appended_past_what_can_not_be_read_now) {
  const WaitingRecord waiting{"shop", seal_waiting(*repository_, plain("drill")), "full", 4};
  append_waiting(*repository_, waiting);
  append(*repository_, plain("backup"));
  break_down(5);
  try {
    append_waiting(*repository_, waiting);
    ADD_FAILURE() << "it may be that record";
  } catch (const Error& error) {
    EXPECT_TRUE(is_chain_unreadable(error)) << error.message();
  }
  unreadable_.clear();
  EXPECT_EQ(append_waiting(*repository_, waiting).sequence, 5U);
  EXPECT_EQ(verified().records, 6U);
}

TEST_F(EvidenceGapsTest, what_is_of_a_newer_key_is_not_lost) {
  const auto open = [this] { return testing::open_repository(memory_, repo::Access::write); };
  open()->rotate();
  append(*open(), plain("drill"));
  const auto before = memory_.objects();
  try {
    append(*repository_, plain("backup"));
    ADD_FAILURE() << "its digest is not known here";
  } catch (const Error& error) {
    EXPECT_TRUE(is_chain_unreadable(error)) << error.message();
  }
  repair();
  EXPECT_TRUE(memory_.objects() == before);
  repository_ = open();
  append(*repository_, plain("backup"));
  EXPECT_EQ(lines_of(verified(6)), "");
  EXPECT_THAT(gaps(), IsEmpty());
}

TEST_F(UnreadableTest, an_export_does_not_say_that_it_is_lost) {
  for (const Gaps gaps : {Gaps::refuse, Gaps::export_them}) {
    for (std::uint64_t bad = 0; bad <= kReadsMax; ++bad) {
      SCOPED_TRACE(bad);
      falter(2, 0, bad);
      std::string text;
      const bool is_exported = succeeds([&] { text = exported(gaps); });
      recover();
      EXPECT_EQ(is_exported, bad < 2);
      if (!is_exported) continue;
      EXPECT_EQ(lines_of(verified_file(text)), "");
    }
  }
  medium_->remove(object(2));
  repair();
  break_down(1);
  EXPECT_FALSE(succeeds([&] { exported(Gaps::export_them); }));
}

TEST_F(EvidenceGapsTest, more_than_one_record_has_room_for) {
  repair(2504);
  EXPECT_EQ(lines_of(verified()), "");
  EXPECT_EQ(gaps().size(), 2500U);
  EXPECT_EQ(verified().records, 2507U);
}

TEST_F(EvidenceGapsTest, an_export_with_gaps_says_which) {
  rot(2);
  try {
    exported();
    FAIL() << "it was exported";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::corruption);
    EXPECT_THAT(error.hint(), HasSubstr("verify --repair"));
    EXPECT_THAT(error.hint(), HasSubstr("--with-gaps"));
  }
  const std::string unnamed = exported(Gaps::export_them);
  const json document = parse_json(unnamed);
  EXPECT_TRUE(document["records"][1].is_null());
  EXPECT_EQ(document["gaps"], json({2}));
  EXPECT_THAT(lines_of(verified_file(unnamed)),
              HasSubstr("2: it is lost, and no signed record says so"));
  EXPECT_TRUE(verified_file(unnamed).is_sound_but_for_gaps());
  EXPECT_THAT(evidence_page(unnamed, "evidence.json"), HasSubstr("and 1 that are lost"));
  repair();
  const EvidenceReport named = verified_file(exported());
  EXPECT_EQ(lines_of(named), "");
  ASSERT_EQ(named.gaps.size(), 1U);
  EXPECT_EQ(named.gaps[0].named_by, 5U);
}

TEST_F(EvidenceGapsTest, a_record_that_is_cut_out_of_an_export_is_found) {
  rot(2);
  repair();
  const json good = parse_json(exported());
  json cut = good;
  cut["records"][2] = nullptr;
  EXPECT_THAT(lines_of(verified_file(write_json(cut))), HasSubstr("3: it was cut out of the file"));
  cut["gaps"] = {2, 3};
  const EvidenceReport report = verified_file(write_json(cut));
  EXPECT_THAT(lines_of(report), HasSubstr("3: it was cut out of the file"));
  EXPECT_FALSE(report.is_sound_but_for_gaps());
  // Closed up, where a gap was.
  json closed = good;
  closed["records"].erase(1);
  closed.erase("gaps");
  EXPECT_FALSE(verified_file(write_json(closed)).is_sound_but_for_gaps());
  // The record that names the gap.
  json silent = good;
  silent["records"][4] = nullptr;
  silent["gaps"] = {2, 5};
  EXPECT_FALSE(verified_file(write_json(silent)).is_sound_but_for_gaps());
}

TEST_F(EvidenceGapsTest, a_gap_that_is_added_to_an_export_is_found) {
  const json whole = parse_json(exported());
  json told = whole;
  told["gaps"] = {2};
  EXPECT_FALSE(verified_file(write_json(told)).is_sound_but_for_gaps());
  told["records"][1] = nullptr;
  EXPECT_THAT(lines_of(verified_file(write_json(told))),
              HasSubstr("2: it was cut out of the file"));
  // One between two that are there.
  json moved = whole;
  moved["records"].insert(moved["records"].begin() + 1, nullptr);
  moved["gaps"] = {2};
  EXPECT_FALSE(verified_file(write_json(moved)).is_sound_but_for_gaps());
  // An older head says that a record was lost which is there.
  rot(2);
  const json head = parse_json(exported(Gaps::export_them))["head"];
  json old_head = whole;
  old_head["head"] = head;
  EXPECT_THAT(lines_of(verified_file(write_json(old_head))),
              HasSubstr("2: it is in the file, though the head says that it is lost"));
}

TEST_F(EvidenceGapsTest, gaps_that_are_none_are_a_problem_and_no_crash) {
  const json good = parse_json(exported());
  for (const char* gaps : {"1", "\"x\"", "{}", "[-1]", "[1e300]", "[[1]]", "[null]", "[0]"}) {
    json changed = good;
    changed["gaps"] = parse_json(gaps);
    EXPECT_FALSE(verified_file(write_json(changed)).is_sound_but_for_gaps()) << gaps;
  }
  for (const char* text : {R"({"records":[null]})", R"({"records":[null],"gaps":[1]})"}) {
    EXPECT_FALSE(verified_file(text).is_sound_but_for_gaps()) << text;
  }
}

TEST_F(EvidenceGapsTest, a_record_names_earlier_ones_only) {
  EvidenceRecord record = plain("lost");
  record.lost = {{6, ""}, {5, ""}, {0, ""}};
  append(*repository_, record);
  append(*repository_, plain("backup"));
  append(*repository_, plain("backup"));
  rot(6);
  EXPECT_FALSE(verified().sound());
}

}  // namespace
}  // namespace salvor::evidence
