#include "repo/records.h"

#include <gtest/gtest.h>

#include "backend/fault.h"
#include "backend/memory.h"
#include "base/error.h"
#include "testing/damage.h"
#include "testing/test_repository.h"

namespace salvor::repo {
namespace {

using backend::Call;
using backend::Fault;
using backend::FaultBackend;
using backend::MemoryBackend;
using backend::Operation;
using testing::commit_contents;
using testing::contents_of;
using testing::damage_of;
using testing::open_repository;

std::vector<std::string> texts_of(const std::vector<Bytes>& records) {
  std::vector<std::string> texts;
  for (const Bytes& record : records) texts.emplace_back(as_text(record));
  return texts;
}

std::vector<std::string> names_in(backend::Backend& backend, const std::string& prefix) {
  std::vector<std::string> names;
  backend.list(prefix, "", [&](const backend::Object& object) { names.push_back(object.name); });
  return names;
}

class RecordsTest : public ::testing::Test {
 protected:
  RecordsTest() {
    testing::create_repository(memory_);
    repository_ = open_repository(memory_, Access::write);
  }

  Chain chain(std::string_view name = "shop", ChainKind kind = ChainKind::journal) {
    return {*repository_, kind, name};
  }
  void fill(std::size_t count) {
    for (std::size_t i = 1; i <= count; ++i) {
      ASSERT_TRUE(chain().append(i, as_bytes("record " + std::to_string(i))));
    }
  }
  void replace(const std::string& name, const Bytes& bytes) {
    memory_.remove(name);
    memory_.put_if_absent(name, bytes);
  }

  MemoryBackend memory_;
  std::unique_ptr<Repository> repository_;
};

TEST_F(RecordsTest, what_is_appended_is_read_back_in_order) {
  EXPECT_EQ(chain().last(), 0U);
  EXPECT_TRUE(chain().read().empty());
  fill(12);
  const auto reader = open_repository(memory_);
  Chain again(*reader, ChainKind::journal, "shop");
  EXPECT_EQ(again.last(), 12U);
  const std::vector<std::string> texts = texts_of(again.read());
  ASSERT_EQ(texts.size(), 12U);
  EXPECT_EQ(texts.front(), "record 1");
  EXPECT_EQ(texts.back(), "record 12");
  EXPECT_EQ(as_text(again.read(3).value()), "record 3");
  EXPECT_FALSE(again.read(13));
  EXPECT_EQ(damage_of(memory_), "");
}

TEST_F(RecordsTest, chains_do_not_mix_and_show_no_name) {
  EXPECT_TRUE(chain("shop", ChainKind::journal).append(1, as_bytes("a")));
  EXPECT_TRUE(chain("shop", ChainKind::claim).append(1, as_bytes("b")));
  EXPECT_TRUE(chain("", ChainKind::evidence).append(1, as_bytes("c")));
  EXPECT_TRUE(chain("blog", ChainKind::journal).append(1, as_bytes("d")));
  EXPECT_EQ(as_text(chain("shop", ChainKind::journal).read(1).value()), "a");
  EXPECT_EQ(as_text(chain("shop", ChainKind::claim).read(1).value()), "b");
  EXPECT_EQ(list_chains(*repository_, ChainKind::journal).size(), 2U);
  EXPECT_EQ(list_chains(*repository_, ChainKind::evidence),
            std::vector<std::string>{chain_id(*repository_, ChainKind::evidence, "")});
  for (const char* prefix : {"journal/", "claim/", "evidence/"}) {
    for (const std::string& name : names_in(memory_, prefix)) {
      EXPECT_EQ(name.find("shop"), std::string::npos);
      EXPECT_EQ(name.find("blog"), std::string::npos);
    }
  }
}

TEST_F(RecordsTest, only_one_writes_a_number) {
  const auto other = open_repository(memory_, Access::write);
  Chain theirs(*other, ChainKind::journal, "shop");
  EXPECT_TRUE(chain().append(1, as_bytes("ours")));
  EXPECT_FALSE(theirs.append(1, as_bytes("theirs")));
  EXPECT_TRUE(chain().append(1, as_bytes("ours"))) << "an earlier try of the same";
  EXPECT_EQ(texts_of(theirs.read()), std::vector<std::string>{"ours"});
}

TEST_F(RecordsTest, a_lost_answer_is_looked_up) {
  FaultBackend fault(memory_);
  const auto opened = open_repository(fault, Access::write);
  Chain ours(*opened, ChainKind::journal, "shop");
  fault.on([](const Call& call) -> std::optional<Fault> {
    if (call.operation == Operation::put) return Fault::unreachable_after();
    return std::nullopt;
  });
  EXPECT_TRUE(ours.append(1, as_bytes("ours")));
  fault.on([](const Call& call) -> std::optional<Fault> {
    if (call.operation == Operation::put) return Fault::unreachable_before();
    return std::nullopt;
  });
  EXPECT_FALSE(ours.append(1, as_bytes("later"))) << "somebody's record is there";
  try {
    ours.append(2, as_bytes("never"));
    FAIL() << "nothing was written";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unreachable);
  }
  EXPECT_EQ(chain().last(), 1U);
}

TEST_F(RecordsTest, a_gap_is_corruption_and_verify_names_it) {
  fill(4);
  memory_.remove(chain().object_name(2));
  try {
    chain().read();
    FAIL() << "a gap was not noticed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::corruption);
    EXPECT_NE(error.message().find(chain().object_name(2)), std::string::npos);
  }
  EXPECT_EQ(damage_of(memory_, false), chain().object_name(2) + ": it is missing, though " +
                                           chain().object_name(3) + " is there\n");
}

TEST_F(RecordsTest, the_first_record_missing_is_a_gap_too) {
  fill(2);
  memory_.remove(chain().object_name(1));
  EXPECT_THROW(chain().read(), Error);
  EXPECT_NE(damage_of(memory_, false).find(chain().object_name(1)), std::string::npos);
}

TEST_F(RecordsTest, damage_is_named_and_affects_no_point) {
  const PointId id = commit_contents(*repository_, {{"file", "content"}});
  fill(3);
  const std::string name = chain().object_name(2);
  Bytes stored = memory_.get(name, 1000);
  stored[stored.size() / 2] ^= std::byte{4};
  replace(name, stored);
  EXPECT_THROW(chain().read(), Error);
  EXPECT_THROW(chain().append(2, as_bytes("record 2")), Error);
  const auto reader = open_repository(memory_, Access::inspect);
  const CheckReport report = check(*reader, {});
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].object, name);
  EXPECT_TRUE(report.affected.empty());
  ASSERT_EQ(reader->points().size(), 1U);
  EXPECT_EQ(reader->points()[0].id, id);
  EXPECT_EQ(contents_of(*reader, reader->points()[0]).at("file"), "content");
}

TEST_F(RecordsTest, a_record_that_is_given_up_is_set_aside_with_its_bytes) {
  Chain evidence(*repository_, ChainKind::evidence, "shop");
  for (std::uint64_t number = 1; number <= 3; ++number) evidence.append(number, as_bytes("text"));
  const std::string name = evidence.object_name(2);
  EXPECT_EQ(evidence.give_up(2), "") << "it can be read";
  Bytes rotten = memory_.get(name, 1000);
  rotten[rotten.size() / 2] ^= std::byte{4};
  replace(name, rotten);
  const std::string done = evidence.give_up(2);
  const std::string aside = done.substr(done.rfind(' ') + 1);
  EXPECT_EQ(aside.substr(0, 17), "damaged/evidence-");
  EXPECT_EQ(memory_.get(aside, 1000), rotten);
  EXPECT_TRUE(evidence.read(2).value().empty());
  EXPECT_EQ(evidence.give_up(2), "");
  memory_.remove(evidence.object_name(1));
  EXPECT_EQ(evidence.give_up(1), "wrote that " + evidence.object_name(1) + " is lost");
  EXPECT_EQ(damage_of(memory_, false), "");
}

TEST_F(RecordsTest, every_damaged_byte_is_found) {
  fill(1);
  const std::string name = chain().object_name(1);
  const auto parse = [&](ByteView bytes) {
    replace(name, to_bytes(bytes));
    chain().read(1);
  };
  testing::expect_survives_damage(memory_.get(name, 1000), parse, testing::Damage::always_found,
                                  testing::test_seed());
}

TEST_F(RecordsTest, a_record_moved_to_another_place_does_not_authenticate) {
  fill(2);
  EXPECT_TRUE(chain("blog").append(1, as_bytes("of another chain")));
  const Bytes first = memory_.get(chain().object_name(1), 1000);
  replace(chain().object_name(1), memory_.get(chain().object_name(2), 1000));
  EXPECT_THROW(chain().read(1), Error);
  replace(chain().object_name(2), memory_.get(chain("blog").object_name(1), 1000));
  EXPECT_THROW(chain().read(2), Error);
  replace(chain().object_name(1), first);
  EXPECT_EQ(as_text(chain().read(1).value()), "record 1");
}

TEST_F(RecordsTest, foreign_names_are_notes) {
  fill(1);
  const std::string prefix = chain().object_name(1).substr(0, 8 + 32 + 1);
  for (const std::string& name : {prefix + "0000000000000000", prefix + "1", prefix + "notes.txt",
                                  std::string("journal/readme"), std::string("claim/x/y")}) {
    memory_.put_if_absent(name, as_bytes("?"));
  }
  EXPECT_EQ(texts_of(chain().read()), std::vector<std::string>{"record 1"});
  EXPECT_EQ(damage_of(memory_, false), "");
  EXPECT_EQ(check(*repository_, {}).findings.size(), 5U);
  EXPECT_EQ(list_chains(*repository_, ChainKind::claim).size(), 0U);
}

TEST_F(RecordsTest, more_than_the_limit_is_refused) {
  EXPECT_THROW(chain().append(1, Bytes(kRecordBytesMax + 1)), Error);
  EXPECT_EQ(chain().last(), 0U);
  EXPECT_TRUE(chain().append(1, Bytes(kRecordBytesMax)));
  EXPECT_EQ(chain().read(1)->size(), kRecordBytesMax);
}

TEST_F(RecordsTest, secrets_differ_by_purpose_and_survive_a_rotation) {
  fill(1);
  const Secret before = derive_secret(*repository_, "tests");
  ASSERT_EQ(before.size(), 32U);
  EXPECT_NE(to_bytes(before.view()), to_bytes(derive_secret(*repository_, "other").view()));
  repository_->rotate();
  const auto rotated = open_repository(memory_);
  EXPECT_EQ(to_bytes(derive_secret(*rotated, "tests").view()), to_bytes(before.view()));
  Chain after(*rotated, ChainKind::journal, "shop");
  EXPECT_EQ(texts_of(after.read()), std::vector<std::string>{"record 1"});
  EXPECT_TRUE(after.append(2, as_bytes("of the new epoch")));
  EXPECT_EQ(after.read().size(), 2U);
}

TEST_F(RecordsTest, facts_of_a_point_come_back) {
  Point point;
  point.id = random_id<PointId>(Rng::system());
  point.service = "shop";
  const Bytes without = encode(point);
  EXPECT_TRUE(decode_point(without).facts.empty());
  EXPECT_FALSE(point.is_safety_snapshot());
  point.facts = {{"purpose", "safety"}, {"run", "r\n1"}, {"", ""}};
  EXPECT_EQ(decode_point(encode(point)), point);
  EXPECT_TRUE(point.is_safety_snapshot());
}

}  // namespace
}  // namespace salvor::repo
