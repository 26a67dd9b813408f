#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <thread>

#include "base/error.h"
#include "base/fd.h"
#include "stores/disk/tree.h"
#include "testing/fake_clock.h"
#include "testing/file_times.h"
#include "testing/store_copy.h"

namespace salvor::stores::disk {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<std::string>;

class TreeSourceTest : public ::testing::Test {
 protected:
  TreeSourceTest() { fs::create_directory(root_); }

  void write(const std::string& path, std::string_view content) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary) << content;
  }
  TreeSourceOptions options() const {
    TreeSourceOptions options;
    options.root = root_;
    return options;
  }
  testing::Taken take() const { return testing::take_all(*make_tree_source(options())); }
  static ErrorCode code_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::checks_failed;  // stands for "no error": no source throws it
  }
  static Item item_of(Source& source, std::string_view path) {
    while (auto item = source.next()) {
      if (item->key == key_of_path(path)) return *item;
    }
    throw Error(ErrorCode::failed, "no such item");
  }

  TemporaryDirectory home_{"/tmp", "salvor-source-"};
  const fs::path root_ = home_.path() / "root";
};

TEST_F(TreeSourceTest, AnnouncesInOrderOfKeys) {
  for (const char* path : {"b", "a/x", "a.b", "a b", "B"}) write(path, "1");
  EXPECT_EQ(take().paths(), (Paths{"", "B", "a", "a/x", "a b", "a.b", "b"}));
}

TEST_F(TreeSourceTest, ExcludedIsLeftOut) {
  for (const char* path : {"cache/a", "cache/b/c", "x/y.tmp", "x/z", "build/o", "y/build"}) {
    write(path, "1");
  }
  TreeSourceOptions with = options();
  with.exclude = {"cache/**", "*.tmp", "build/"};
  EXPECT_EQ(testing::take_all(*make_tree_source(with)).paths(),
            (Paths{"", "cache", "x", "x/z", "y", "y/build"}));
  with.exclude = {"[a"};
  EXPECT_EQ(code_of([&] { make_tree_source(with); }), ErrorCode::configuration);
}

TEST_F(TreeSourceTest, RefusesWhatIsNoTree) {
  write("file", "1");
  TreeSourceOptions with = options();
  with.root = root_ / "missing";
  EXPECT_EQ(code_of([&] { make_tree_source(with); }), ErrorCode::not_found);
  with.root = root_ / "file";
  EXPECT_EQ(code_of([&] { make_tree_source(with); }), ErrorCode::configuration);
}

TEST_F(TreeSourceTest, RefusesTheRepositoryInTheTree) {
  write("data/file", "1");
  write("backups/salvor/salvor.json", "1");
  TreeSourceOptions with = options();
  with.forbidden = {root_ / "backups/salvor", root_ / "does-not-exist"};
  EXPECT_EQ(code_of([&] { testing::take_all(*make_tree_source(with)); }), ErrorCode::configuration);
  with.exclude = {"/backups/salvor"};
  EXPECT_EQ(testing::take_all(*make_tree_source(with)).paths(),
            (Paths{"", "backups", "data", "data/file"}));
  with.forbidden = {root_};
  EXPECT_EQ(code_of([&] { make_tree_source(with); }), ErrorCode::configuration);
}

TEST_F(TreeSourceTest, WhatHasVanishedIsNoProblem) {
  write("gone", "1");
  const auto source = make_tree_source(options());
  const Item gone = item_of(*source, "gone");
  fs::remove(root_ / "gone");
  EXPECT_EQ(source->open(gone), nullptr);
  EXPECT_TRUE(source->report().unreadable.empty());
}

TEST_F(TreeSourceTest, WhatBecameAnotherKindIsNamed) {
  const auto make_fifo = [this] {
    ASSERT_EQ(mkfifo((root_ / "other").c_str(), 0600), 0);  // and nobody waits for a writer
  };
  const auto make_link = [this] { fs::create_symlink("/etc/passwd", root_ / "other"); };
  const auto make_directory = [this] { fs::create_directory(root_ / "other"); };
  for (const auto& make :
       std::vector<std::function<void()>>{make_fifo, make_link, make_directory}) {
    write("other", "1");
    const auto source = make_tree_source(options());
    const Item other = item_of(*source, "other");
    fs::remove(root_ / "other");
    make();
    EXPECT_EQ(source->open(other), nullptr);
    const auto problems = source->report().unreadable;
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(path_of_key(problems[0].key), "other");
    EXPECT_TRUE(problems[0].changed_kind);
    fs::remove(root_ / "other");
  }
}

TEST_F(TreeSourceTest, ASwappedParentIsNotFollowed) {
  write("dir/passwd", "1");
  const auto source = make_tree_source(options());
  const Item item = item_of(*source, "dir/passwd");
  fs::rename(root_ / "dir", root_ / "moved");
  fs::create_symlink("/etc", root_ / "dir");
  EXPECT_EQ(source->open(item), nullptr);
  ASSERT_EQ(source->report().unreadable.size(), 1U);
  EXPECT_TRUE(source->report().unreadable[0].changed_kind);
}

TEST_F(TreeSourceTest, AFileThatGrowsIsReadToItsFirstSizeAndReported) {
  write("log", std::string(100'000, 'x'));
  const auto source = make_tree_source(options());
  const Item item = item_of(*source, "log");
  const auto reader = source->open(item);
  Bytes buffer(60'000);
  ASSERT_EQ(reader->read(buffer).data_bytes, 60'000U);
  std::ofstream(root_ / "log", std::ios::app) << "more and more";
  EXPECT_EQ(reader->read(buffer).data_bytes, 40'000U);
  EXPECT_EQ(reader->read(buffer).data_bytes, 0U);
  Entry entry = item.entry;
  EXPECT_FALSE(reader->finish(entry));
  EXPECT_EQ(entry.size, 100'000U);
}

TEST_F(TreeSourceTest, AFileThatIsCutShortIsReported) {
  write("log", std::string(100'000, 'x'));
  const auto source = make_tree_source(options());
  const Item item = item_of(*source, "log");
  const auto reader = source->open(item);
  Bytes buffer(60'000);
  ASSERT_EQ(reader->read(buffer).data_bytes, 60'000U);
  fs::resize_file(root_ / "log", 70'000);
  EXPECT_EQ(reader->read(buffer).data_bytes, 10'000U);
  EXPECT_EQ(reader->read(buffer).data_bytes, 0U);
  Entry entry = item.entry;
  EXPECT_FALSE(reader->finish(entry));
  EXPECT_EQ(entry.size, 70'000U);
}

TEST_F(TreeSourceTest, AWriterThatNeverStopsLeavesAnUnstableFile) {
  write("busy", std::string(200'000, 'x'));
  write("still", "1");
  std::atomic<std::uint64_t> writes{0};
  {
    const std::jthread writer([&](const std::stop_token& stop) {
      const Fd fd = open_file(root_ / "busy", O_WRONLY);
      while (!stop.stop_requested()) {
        pwrite_all(fd.get(), as_bytes(std::to_string(writes)), writes % 1000, "busy");
        ++writes;
        writes.notify_one();
      }
    });
    writes.wait(0);
    // Times move with the kernel's clock tick: reading in very many steps outlasts several.
    const auto source = make_tree_source(options());
    const testing::Taken taken = testing::take_all(*source, 2);
    ASSERT_NE(taken.find("busy"), nullptr);
    EXPECT_TRUE(taken.find("busy")->entry.unstable);
    EXPECT_FALSE(taken.find("still")->entry.unstable);
    EXPECT_EQ(taken.find("busy")->entry.size, 200'000U);
    EXPECT_FALSE(source->unchanged(taken.find("busy")->entry, taken.find("busy")->entry));
  }
}

TEST_F(TreeSourceTest, RecognisesWhatDidNotChange) {
  write("file", "content");
  fs::create_symlink("file", root_ / "link");
  testing::FakeClock clock;
  clock.set({Clock::system().now().ns + 100'000'000'000});
  TreeSourceOptions with = options();
  with.clock = &clock;
  const testing::Taken then = testing::take_all(*make_tree_source(with));
  const auto source = make_tree_source(with);
  const Entry& file = then.find("file")->entry;
  EXPECT_FALSE(file.racy);
  while (const auto item = source->next()) {
    const Entry& before = then.find(path_of_key(item->key))->entry;
    EXPECT_TRUE(source->unchanged(before, item->entry)) << path_of_key(item->key);
  }
  // Same size, and its time set back: only ctime knows.
  testing::wait_for_tick(root_.parent_path());
  const fs::file_time_type time = fs::last_write_time(root_ / "file");
  write("file", "CONTENT");
  fs::last_write_time(root_ / "file", time);
  const auto after = make_tree_source(with);
  EXPECT_FALSE(after->unchanged(file, item_of(*after, "file").entry));
  // An attribute alone.
  const auto again = make_tree_source(with);
  const Entry before = testing::take_all(*again).find("file")->entry;
  testing::wait_for_tick(root_.parent_path());
  if (setxattr((root_ / "file").c_str(), "user.new", "1", 1, 0) == 0) {
    const auto last = make_tree_source(with);
    EXPECT_FALSE(last->unchanged(before, item_of(*last, "file").entry));
  }
}

TEST_F(TreeSourceTest, WhatIsYoungIsRacy) {
  write("file", "content");
  const std::int64_t written_ns = Clock::system().now().ns;
  testing::FakeClock clock;
  TreeSourceOptions with = options();
  with.clock = &clock;
  clock.set({written_ns + 1'000'000'000});
  const testing::Taken young = testing::take_all(*make_tree_source(with));
  const auto source = make_tree_source(with);
  EXPECT_TRUE(young.find("file")->entry.racy);
  EXPECT_FALSE(source->unchanged(young.find("file")->entry, item_of(*source, "file").entry));
  // As long as a page that is mapped may be written without a new time.
  clock.set({written_ns + 59'000'000'000});
  EXPECT_TRUE(testing::take_all(*make_tree_source(with)).find("file")->entry.racy);
  clock.set({written_ns + 61'000'000'000});
  EXPECT_FALSE(testing::take_all(*make_tree_source(with)).find("file")->entry.racy);
}

// The inode of a file that was removed in the course of the walk may be another's by then.
TEST_F(TreeSourceTest, AnInodeThatLooksLikeAnothersIsNoHardLink) {
  write("a/first", "content");
  write("b/second", "other");
  TreeSourceOptions with = options();
  with.reading_threads = 0;
  fs::create_hard_link(root_ / "a/first", home_.path() / "outside");
  const auto source = make_tree_source(with);
  const Item first = item_of(*source, "a/first");
  // It stands for the inode being given again: the same number, another file.
  fs::remove(root_ / "b/second");
  fs::create_hard_link(root_ / "a/first", root_ / "b/second");
  write("b/second", "what is there now");
  const Item second = item_of(*source, "b/second");
  EXPECT_EQ(second.entry.inode, first.entry.inode);
  EXPECT_EQ(second.entry.kind, EntryKind::file);
}

TEST_F(TreeSourceTest, HardLinksNameTheFirstKey) {
  write("b/first", "content");
  fs::create_hard_link(root_ / "b/first", root_ / "c");
  fs::create_hard_link(root_ / "b/first", root_ / "a");
  const testing::Taken taken = take();
  EXPECT_EQ(taken.find("a")->entry.kind, EntryKind::file);
  EXPECT_EQ(taken.find("b/first")->entry.kind, EntryKind::hard_link);
  EXPECT_EQ(taken.find("b/first")->entry.target, key_of_path("a"));
  EXPECT_EQ(taken.find("c")->entry.target, key_of_path("a"));
}

/// Runs `body` in a child process as a user who is not root; true when it returned true.
bool as_nobody(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    const bool dropped = setegid(65534) == 0 && seteuid(65534) == 0;
    bool good = false;
    try {
      good = dropped && body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(TreeSourceTest, UnreadableIsReportedAndTheRestIsRead) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become someone else";
  write("closed/inside", "1");
  write("secret", "1");
  write("x-only/name", "1");
  write("z", "1");
  fs::permissions(home_.path(), fs::perms(0755));
  fs::permissions(root_ / "closed", fs::perms(0700));
  fs::permissions(root_ / "secret", fs::perms(0600));
  fs::permissions(root_ / "x-only", fs::perms(0744));
  EXPECT_TRUE(as_nobody([&] {
    const testing::Taken taken = take();
    std::map<std::string, std::string> problems;
    for (const Problem& problem : taken.report.unreadable) {
      problems[path_of_key(problem.key)] = problem.reason;
    }
    for (const auto& [path, reason] : problems) {
      std::fprintf(stderr, "%s: %s\n", path.c_str(), reason.c_str());
    }
    return taken.paths() == Paths{"", "closed", "x-only", "z"} && problems.size() == 3 &&
           problems.contains("closed") && problems.contains("secret") &&
           problems.contains("x-only/name");
  }));
}

TEST_F(TreeSourceTest, AnUnlistableRootIsAnError) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become someone else";
  fs::permissions(home_.path(), fs::perms(0755));
  const auto source = make_tree_source(options());
  fs::permissions(root_, fs::perms(0700));
  EXPECT_TRUE(as_nobody([&] {
    return code_of([&] { testing::take_all(*make_tree_source(options())); }) == ErrorCode::failed;
  }));
}

TEST_F(TreeSourceTest, RestoresWithoutRootWarnInsteadOfFailing) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become someone else";
  write("file", "1");
  ASSERT_EQ(chmod((root_ / "file").c_str(), 04755), 0);
  write("second", "2");
  ASSERT_EQ(mknod((root_ / "node").c_str(), S_IFCHR | 0600, 0x103), 0);
  const testing::Taken taken = take();
  fs::permissions(home_.path(), fs::perms(0777));
  EXPECT_TRUE(as_nobody([&] {
    TreeSinkOptions into;
    into.target = home_.path() / "target";
    const auto sink = make_tree_sink(into);
    testing::put_all(taken, *sink);
    std::vector<std::string> warnings = sink->report().warnings;
    for (const std::string& line : warnings) std::fprintf(stderr, "%s\n", line.c_str());
    struct stat status {};
    // Not setuid to whoever ran the restore.
    return stat((into.target / "file").c_str(), &status) == 0 &&
           (status.st_mode & 07777U) == 0755 && warnings.size() == 1 &&
           sink->report().not_made.size() == 1;
  }));
}

// A chroot, or a container without it.
TEST_F(TreeSourceTest, NeedsProcForTheAttributesOfLinksOnly) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can take /proc away";
  write("directory/file", "1");
  fs::create_symlink("file", root_ / "directory/link");
  setxattr((root_ / "directory").c_str(), "user.note", "1", 1, 0);
  const pid_t child = fork();
  if (child == 0) {
    constexpr int kSkipped = 77;
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        umount2("/proc", MNT_DETACH) != 0) {
      _exit(kSkipped);
    }
    const testing::Taken taken = take();
    const auto* directory = taken.find("directory");
    const auto& unreadable = taken.report.unreadable;
    const bool right = directory != nullptr && directory->entry.attributes.size() == 1 &&
                       taken.find("directory/file") != nullptr && unreadable.size() == 1 &&
                       unreadable[0].reason.find("there is no /proc") != std::string::npos;
    _exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "/proc can't be taken away here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace salvor::stores::disk
