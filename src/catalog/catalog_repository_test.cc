#include <gtest/gtest.h>

#include "base/fd.h"
#include "catalog/catalog.h"

namespace salvor::catalog {
namespace {

/// What a catalog keeps by the id of a repository.
class CatalogRepositoryTest : public ::testing::Test {
 protected:
  Catalog open() { return Catalog::open(directory_.path() / "state" / "catalog.sqlite"); }

 private:
  TemporaryDirectory directory_{"/tmp"};
};

// A repository made anew must not inherit what was proved with the one before.
TEST_F(CatalogRepositoryTest, RunsAreFiledUnderTheirRepository) {
  Catalog catalog = open();
  const RunId one = catalog.begin_run(RunKind::drill, "shop");
  const RunId other = catalog.begin_run(RunKind::drill, "shop");
  const RunId none = catalog.begin_run(RunKind::drill, "shop");
  catalog.file_under(one, "aa");
  catalog.file_under(other, "bb");
  catalog.file_under({"20260203t040506-00000000"}, "aa");  // of another machine: nothing
  const auto rows = catalog.runs({.service = "shop", .repository = "aa"});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].id, one);
  EXPECT_EQ(rows[0].repository, "aa");
  EXPECT_EQ(catalog.runs({.service = "shop"}).size(), 3U);
  EXPECT_EQ(catalog.run(none.text)->repository, "");
}

TEST_F(CatalogRepositoryTest, WhichRepositoryWasAtAPlace) {
  Catalog catalog = open();
  EXPECT_EQ(catalog.repository_at("/srv/repository"), std::nullopt);
  catalog.note_location("/srv/repository", "aa");
  EXPECT_EQ(catalog.repository_at("/srv/repository"), "aa");
  catalog.note_location("/srv/repository", "bb");
  EXPECT_EQ(catalog.repository_at("/srv/repository"), "bb");
  EXPECT_EQ(catalog.repository_at("/srv/other"), std::nullopt);
}

TEST_F(CatalogRepositoryTest, EvidenceWaitsInOrderForItsRepository) {
  Catalog catalog = open();
  catalog.keep_evidence("one", {.service = "shop", .envelope = "first", .reason = "full"});
  catalog.keep_evidence("two", {.service = "shop", .envelope = "other", .reason = "full"});
  catalog.keep_evidence("one", {.envelope = "second", .reason = "read-only", .after = 7});
  const std::vector<WaitingEvidence> waiting = open().waiting_evidence("one");
  ASSERT_EQ(waiting.size(), 2U);
  EXPECT_EQ(waiting[0].envelope, "first");
  EXPECT_EQ(waiting[0].service, "shop");
  EXPECT_EQ(waiting[1].envelope, "second");
  EXPECT_EQ(waiting[1].service, "");
  EXPECT_EQ(waiting[1].reason, "read-only");
  EXPECT_EQ(waiting[1].after, 7U);
  catalog.forget_evidence(waiting[0].number);
  catalog.forget_evidence(waiting[0].number);
  // A number is never used again: who has read the list before forgets nothing that came later.
  catalog.forget_evidence(waiting[1].number);
  catalog.keep_evidence("one", {.envelope = "third"});
  const std::vector<WaitingEvidence> later = catalog.waiting_evidence("one");
  ASSERT_EQ(later.size(), 1U);
  EXPECT_EQ(later[0].envelope, "third");
  EXPECT_GT(later[0].number, waiting[1].number);
  EXPECT_EQ(catalog.waiting_evidence("two").size(), 1U);
}

TEST_F(CatalogRepositoryTest, RunsThatTheRepositoryLacks) {
  Catalog catalog = open();
  catalog.note_unwritten("one", {"r2", "shop"});
  catalog.note_unwritten("one", {"r1", "shop"});
  catalog.note_unwritten("one", {"r1", "shop"});
  catalog.note_unwritten("two", {"r3", "shop"});
  const std::vector<UnwrittenRun> runs = open().unwritten_runs("one");
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].run, "r1");
  EXPECT_EQ(runs[1].run, "r2");
  catalog.forget_unwritten("r1");
  EXPECT_EQ(catalog.unwritten_runs("one").size(), 1U);
  EXPECT_EQ(catalog.unwritten_runs("two").size(), 1U);
}

}  // namespace
}  // namespace salvor::catalog
