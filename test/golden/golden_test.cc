#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "backend/local.h"
#include "base/error.h"
#include "base/fd.h"
#include "evidence/evidence.h"
#include "manifest.h"
#include "recovery/claim.h"
#include "recovery/execute.h"
#include "recovery/restore.h"
#include "repo/check.h"
#include "stores/disk/tree.h"

/// The repository of each format version is readable for ever, and its content stays what it was.
namespace salvor::golden {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPoints = 6;

repo::Credentials passphrase() {
  repo::Credentials credentials;
  credentials.passphrase = Secret(as_bytes("golden"));
  return credentials;
}

repo::Credentials key_file(const fs::path& path) {
  constexpr std::string_view kHead = "salvor-private-1:";
  const Bytes line = read_file(path, 1000);
  EXPECT_TRUE(as_text(line).starts_with(kHead));
  Secret key(32);
  EXPECT_TRUE(from_hex(as_text(line).substr(kHead.size(), 64), key.mutable_view()));
  repo::Credentials credentials;
  credentials.private_key = std::move(key);
  return credentials;
}

std::string first_column(const fs::path& database, const char* sql) {
  sqlite3* connection = nullptr;
  std::string value;
  const auto take = [](void* to, int, char** columns, char**) {
    *static_cast<std::string*>(to) = columns[0];
    return 0;
  };
  EXPECT_EQ(sqlite3_open(database.c_str(), &connection), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(connection, sql, take, &value, nullptr), SQLITE_OK);
  sqlite3_close(connection);
  return value;
}

/// A copy of the golden repository, so that nothing can change it.
class GoldenTest : public ::testing::TestWithParam<std::string> {
 protected:
  GoldenTest() {
    fs::copy(golden() / "repository", repository_path(), fs::copy_options::recursive);
  }

  static fs::path golden() { return fs::path(SALVOR_GOLDEN_DIRECTORY) / GetParam(); }
  fs::path repository_path() const { return directory_.path() / "repository"; }

  std::unique_ptr<repo::Repository> open(const repo::Credentials& credentials) {
    medium_ = backend::open_local(repository_path());
    return repo::Repository::open(*medium_, credentials, repo::Access::read, Clock::system(),
                                  Rng::system());
  }

  fs::path restore(repo::Repository& repository, const repo::Point& point,
                   const std::string& store) {
    stores::disk::TreeSinkOptions to;
    to.target = directory_.path() / (point.id.hex() + store);
    const auto sink = stores::disk::make_tree_sink(to);
    const repo::Snapshot* snapshot = point.find(store);
    if (snapshot == nullptr) throw Error(ErrorCode::not_found, "no store " + store);
    recovery::restore(repository, *snapshot, *sink, {});
    return to.target;
  }

  void expect_everything(repo::Repository& repository) {
    ASSERT_EQ(repository.points().size(), kPoints);
    for (std::size_t i = 0; i < kPoints; ++i) {
      const repo::Point& point = repository.points()[i];
      EXPECT_EQ(point.service, "golden");
      const fs::path media = restore(repository, point, "media");
      EXPECT_EQ(as_text(read_file(media / "hello.txt", 1000)),
                "Hello, whoever restores point " + std::to_string(i) + ".\n");
      const fs::path database = restore(repository, point, "db") / "golden.db";
      EXPECT_EQ(first_column(database, "PRAGMA integrity_check"), "ok");
      EXPECT_EQ(first_column(database, "SELECT group_concat(file) FROM uploads"),
                "hello.txt,several chunks,compressible");
      if (i + 1 == kPoints) {
        EXPECT_EQ(manifest_of(media), as_text(read_file(golden() / "media.manifest", 1U << 20U)));
      }
    }
  }

  const TemporaryDirectory directory_{"/tmp"};
  std::unique_ptr<backend::Backend> medium_;
};

TEST_P(GoldenTest, restores_with_the_passphrase) {
  const auto repository = open(passphrase());
  EXPECT_TRUE(repository->findings().empty());
  expect_everything(*repository);
}

TEST_P(GoldenTest, restores_with_the_key_file) {
  expect_everything(*open(key_file(golden() / "golden.key")));
}

TEST_P(GoldenTest, is_sound_to_the_last_byte) {
  const auto repository = open(passphrase());
  repo::CheckOptions options;
  options.data = true;
  const repo::CheckReport report = repo::check(*repository, options);
  EXPECT_TRUE(report.sound());
  EXPECT_EQ(report.points, kPoints);
  EXPECT_GT(report.log_entries, 16U);
}

TEST_P(GoldenTest, restores_from_packs_and_a_key_alone) {
  for (const char* area : {"log", "index", "checkpoint", "salvor.json"}) {
    fs::remove_all(repository_path() / area);
  }
  expect_everything(*open(passphrase()));
}

TEST_P(GoldenTest, a_wrong_passphrase_opens_nothing) {
  repo::Credentials wrong;
  wrong.passphrase = Secret(as_bytes("silver"));
  EXPECT_THROW(open(wrong), Error);
}

/// A repository with runs in it (make_records.sh): a restore that was undone, one that was closed,
/// and a drill. `runs` says so, a line each.
class GoldenRecordsTest : public GoldenTest {
 protected:
  std::vector<std::pair<std::string, std::string>> runs() const {
    std::istringstream lines{std::string(as_text(read_file(golden() / "runs", 1000)))};
    std::vector<std::pair<std::string, std::string>> runs;
    for (std::string run, state; lines >> run >> state;) runs.emplace_back(run, state);
    return runs;
  }
};

TEST_P(GoldenRecordsTest, journals_and_claims_are_read) {
  const auto repository = open(key_file(golden() / "golden.key"));
  ASSERT_EQ(runs().size(), 3U);
  for (const auto& [run, state] : runs()) {
    const auto found = recovery::find_run(*repository, run);
    ASSERT_TRUE(found) << run;
    EXPECT_EQ(name_of(found->state), state);
    EXPECT_EQ(found->plan.service, "shop");
    EXPECT_EQ(found->plan.stores.size(), 2U);
    EXPECT_FALSE(found->checks.empty());
    EXPECT_GT(found->recovery_seconds, 0);
    EXPECT_TRUE(std::ranges::any_of(found->steps, [](const auto& step) {
      return step.id == recovery::StepId{recovery::StepKind::restore_store, "media"} &&
             step.result != recovery::StepResult::planned;
    }));
  }
  EXPECT_EQ(recovery::open_run(*repository, "shop"), std::nullopt);
  const auto claims = recovery::Claim(*repository, "shop").history();
  EXPECT_EQ(claims.size(), 6U) << "each restore, and the undo, begins and ends";
}

TEST_P(GoldenRecordsTest, evidence_verifies) {
  const auto repository = open(key_file(golden() / "golden.key"));
  std::string kinds;
  for (std::uint64_t number = 1;
       const auto record = evidence::find_envelope(*repository, "shop", number); ++number) {
    kinds += evidence::summarise(*record).kind + ' ';
  }
  EXPECT_EQ(kinds, "backup backup restore restore restore restore drill ");
  EXPECT_TRUE(evidence::verify_chain(*repository, "shop", 7).sound());
  EXPECT_TRUE(evidence::verify_chain(*repository, "", 1).sound());
}

TEST_P(GoldenRecordsTest, points_say_what_they_are) {
  const auto repository = open(key_file(golden() / "golden.key"));
  const auto count = [&](auto is) {
    return std::ranges::count_if(repository->points(),
                                 [&](const repo::Point& point) { return (point.*is)(); });
  };
  EXPECT_EQ(count(&repo::Point::is_whole), 1);
  EXPECT_EQ(count(&repo::Point::is_partial), 1);
  EXPECT_EQ(count(&repo::Point::is_safety_snapshot), 4);
  repo::CheckOptions options;
  options.data = true;
  EXPECT_TRUE(repo::check(*repository, options).sound());
}

INSTANTIATE_TEST_SUITE_P(Versions, GoldenRecordsTest, ::testing::Values("records1"));
INSTANTIATE_TEST_SUITE_P(Versions, GoldenTest, ::testing::Values("v1"));

}  // namespace
}  // namespace salvor::golden
