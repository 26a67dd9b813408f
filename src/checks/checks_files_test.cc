#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/fd.h"
#include "checks/checks.h"
#include "stores/files/files.h"
#include "testing/fake_target.h"

namespace salvor::checks {
namespace {

namespace fs = std::filesystem;

/// References and paths in a real directory tree, of which half is hostile.
class ChecksOfFilesTest : public ::testing::Test {
 protected:
  ChecksOfFilesTest() {
    fs::create_directories(root() / "uploads" / "a");
    write(root() / "uploads" / "a" / "photo.jpg");
    write(root() / "uploads" / "a" / "line\nbreak");
    write(root() / "logo.png");
    write(directory_.path() / "secret");
    fs::create_symlink("../secret", root() / "leads out");
    fs::create_symlink("/etc/hostname", root() / "leads far");
    fs::create_symlink("uploads", root() / "leads in");
    fs::create_symlink("nowhere", root() / "leads nowhere");
    files_ = stores::make_files_target({.root = root(), .exclude = {}});
    subjects_.stores = {{"db", &db_}, {"media", files_.get()}};
  }

  static void write(const fs::path& path) { std::ofstream(path, std::ios::binary) << "content"; }
  fs::path root() const { return directory_.path() / "media"; }

  CheckOutcome ask_rows(std::vector<stores::SqlAccess::Row> rows) {
    db_.answers["SELECT file"] = std::move(rows);
    return run_reference({"uploads", "db", "SELECT file", "media"}, subjects_, {});
  }
  Verdict ask_path(const std::string& path, std::optional<std::string> sha256 = {}) {
    return run_check({"a check", service::PathTest{"media", path, 0, std::move(sha256)}}, subjects_,
                     {})
        .verdict;
  }

  const TemporaryDirectory directory_{"/tmp"};
  testing::FakeTarget db_;
  std::unique_ptr<stores::Target> files_;
  CheckSubjects subjects_;
};

TEST_F(ChecksOfFilesTest, rows_have_their_files) {
  const CheckOutcome outcome =
      ask_rows({{"uploads/a/photo.jpg"}, {"leads in/a/line\nbreak"}, {"./logo.png"}, {"uploads"}});
  EXPECT_EQ(outcome.verdict, Verdict::passed) << outcome.actual << outcome.output;
  EXPECT_EQ(outcome.missing, 0U);
  EXPECT_EQ(outcome.orphans, 1U) << "line break is known by another path";
}

TEST_F(ChecksOfFilesTest, the_marker_of_a_backup_is_no_file_without_a_row) {
  stores::plant_files_marker(root(), {});
  write(root() / "uploads/.salvor-canary");
  const CheckOutcome outcome = ask_rows({{"uploads/a/photo.jpg"}, {"logo.png"}});
  EXPECT_EQ(outcome.orphans, 2U) << "the line break, and what only has the marker's name";
}

TEST_F(ChecksOfFilesTest, what_leads_out_or_cannot_be_is_missing) {
  const CheckOutcome outcome = ask_rows({{"leads out"},
                                         {"leads far"},
                                         {"leads nowhere"},
                                         {"../secret"},
                                         {"/etc/hostname"},
                                         {"uploads/../../secret"},
                                         {"logo.png/more"},
                                         {std::string("logo.png\0", 9)},
                                         {std::string(1'000'000, 'x')}});
  EXPECT_EQ(outcome.verdict, Verdict::failed);
  EXPECT_EQ(outcome.missing, 9U) << outcome.actual << outcome.output;
  EXPECT_LT(outcome.output.size(), 1000U) << "what is huge is not shown whole";
}

TEST_F(ChecksOfFilesTest, paths_are_checked_by_content) {
  const std::string right = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";
  EXPECT_EQ(ask_path("logo.png"), Verdict::passed);
  EXPECT_EQ(ask_path("logo.png", right), Verdict::passed);
  EXPECT_EQ(ask_path("logo.png", std::string(64, '0')), Verdict::failed);
  EXPECT_EQ(ask_path("uploads", right), Verdict::failed) << "a directory has no content";
  EXPECT_EQ(ask_path("leads out"), Verdict::failed);
  EXPECT_EQ(ask_path("absent"), Verdict::failed);
}

}  // namespace
}  // namespace salvor::checks
