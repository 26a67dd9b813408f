#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>

#include "backend/local.h"
#include "base/error.h"
#include "base/fd.h"
#include "manifest.h"
#include "recovery/restore.h"
#include "repo/check.h"
#include "stores/files/files.h"
#include "stores/sqlite/sqlite.h"

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
    stores::FilesSinkOptions to;
    to.target = directory_.path() / (point.id.hex() + store);
    const auto sink = stores::make_files_sink(to);
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
      EXPECT_TRUE(stores::sqlite_problems(database).empty());
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

INSTANTIATE_TEST_SUITE_P(Versions, GoldenTest, ::testing::Values("v1"));

}  // namespace
}  // namespace salvor::golden
