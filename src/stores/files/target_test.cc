// A tree is replaced as a whole, and goes back.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/fd.h"
#include "base/sleeper.h"
#include "stores/disk/tree.h"
#include "stores/files/files.h"
#include "stores/sqlite/internal/test_database.h"
#include "testing/file_times.h"
#include "testing/nasty_tree.h"
#include "testing/store_copy.h"
#include "testing/target_contract.h"
#include "testing/tree_compare.h"

namespace salvor::stores {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kWaitMs = 2'000;

/// Without the number of links: a file that the copy shares has one more.
std::string text_of(const fs::path& tree) {
  std::string text;
  if (!fs::exists(tree)) return text;
  for (auto& [path, line] : testing::describe_tree(tree)) {
    std::string kept = line;
    const std::size_t at = kept.find("links ");
    if (at != std::string::npos) kept.erase(at, kept.find(' ', at + 6) - at);
    text.append(path).append(" ").append(kept).append("\n");
  }
  return text;
}

void put(const fs::path& path, std::string_view content) {
  fs::create_directories(path.parent_path());
  const Fd fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  write_all(fd.get(), as_bytes(content), path.native());
}

std::string content_of(const fs::path& path) {
  return std::string(as_text(read_file(path, 1 << 20U)));
}

class FilesSubject final : public testing::TargetSubject {
 public:
  explicit FilesSubject(const fs::path& scratch) : live_(scratch / "live") {}

  fs::path live() const override { return live_; }
  void make_first() override {
    fs::create_directory(live_);
    testing::NastyTreeOptions options;
    options.depth = 20;
    options.huge_sparse_file = false;
    testing::make_nasty_tree(live_, options);
  }
  void make_second() override {
    fs::remove(live_ / "names/new\nline");
    put(live_ / "added/file", "new");
    put(live_ / "contents/page", "short");
    const Fd fd = open_file(live_ / "contents/large", O_WRONLY);
    pwrite_all(fd.get(), as_bytes("changed in place"), 70'000, "large");
    fs::permissions(live_ / "sort/ab", fs::perms::owner_read);
  }
  void remove() override {
    testing::empty_tree(live_);
    fs::remove(live_);
  }
  testing::Taken take() override {
    disk::TreeSourceOptions options;
    options.root = live_;
    return testing::take_all(*disk::make_tree_source(std::move(options)));
  }
  std::unique_ptr<Target> target(const ReplacementFaults& faults) override {
    FilesTargetOptions options;
    options.root = live_;
    options.faults = faults;
    return make_files_target(std::move(options));
  }
  std::string describe(const fs::path& place) override { return text_of(place); }
  void write(const fs::path& place) override { put(place / "written", "since"); }

 private:
  const fs::path live_;
};

const bool kRegistered = testing::register_target_contract(
    "files", [](const fs::path& scratch) { return std::make_unique<FilesSubject>(scratch); });

/// A tree whose files are old enough for their times to prove something.
class FilesTargetTest : public ::testing::Test {
 protected:
  FilesTargetTest() : home_("/tmp", "salvor-files-target-") { fs::create_directory(live()); }
  ~FilesTargetTest() override { testing::empty_tree(home_.path()); }

  fs::path live() const { return home_.path() / "live"; }

  testing::Taken take() const {
    disk::TreeSourceOptions options;
    options.root = live();
    options.exclude = exclude;
    testing::Taken taken = testing::take_all(*disk::make_tree_source(std::move(options)));
    // In place of waiting until the files are old.
    for (auto& thing : taken.things) thing.entry.racy = false;
    return taken;
  }
  std::unique_ptr<Target> target(const ReplacementFaults& faults = {}) const {
    FilesTargetOptions options;
    options.root = live();
    options.exclude = exclude;
    options.faults = faults;
    return make_files_target(std::move(options));
  }
  std::unique_ptr<Replacement> replacement() const { return target()->replacement("r1", "media"); }

  SinkReport make_copy(const testing::Taken& taken,
                       Recognise unchanged = Recognise::by_status) const {
    const auto replacing = replacement();
    replacing->provision();
    const auto sink = replacing->sink(unchanged);
    testing::put_all(taken, *sink, true);
    return sink->report();
  }
  static Replacement::Rewrite rewrite(const testing::Taken& taken) {
    return [&taken](ByteView key, FileWriter& writer) {
      testing::put_content(*taken.find(path_of_key(key)), writer, true);
    };
  }
  static ino_t inode(const fs::path& path) {
    struct stat status {};
    EXPECT_EQ(lstat(path.c_str(), &status), 0) << path;
    return status.st_ino;
  }

  std::vector<std::string> exclude;
  const TemporaryDirectory home_;
};

TEST_F(FilesTargetTest, TakesUnchangedFilesFromWhatIsLive) {
  testing::make_nasty_tree(live());
  const std::string before = text_of(live());
  const testing::Taken taken = take();
  const auto files = std::count_if(taken.things.begin(), taken.things.end(), [](const auto& thing) {
    return thing.entry.kind == EntryKind::file;
  });
  const SinkReport report = make_copy(taken);
  EXPECT_EQ(report.reused, static_cast<std::uint64_t>(files));
  EXPECT_EQ(text_of(replacement()->copy().path), before);
  EXPECT_EQ(text_of(live()), before);
  replacement()->discard_copy();
  EXPECT_EQ(text_of(live()), before);
  EXPECT_FALSE(fs::exists(replacement()->workplace().path));
}

TEST_F(FilesTargetTest, ComparesWhatIsNotProven) {
  const std::string large(300'000, 'a');
  put(live() / "same", large);
  put(live() / "chmod", large);
  put(live() / "part", large);
  put(live() / "other-size", large);
  const testing::Taken taken = take();
  const std::string before = text_of(live());
  // The same content and metadata again, but for the change time.
  testing::wait_for_tick(live().parent_path());
  fs::permissions(live() / "same", fs::perms::owner_all);
  fs::permissions(live() / "same", fs::perms(0644));
  fs::permissions(live() / "chmod", fs::perms::owner_all);
  const Fd fd = open_file(live() / "part", O_WRONLY);
  pwrite_all(fd.get(), as_bytes("changed"), 200'000, "part");
  put(live() / "other-size", "small");
  const std::string changed = text_of(live());
  EXPECT_EQ(make_copy(taken).reused, 0U);
  EXPECT_EQ(text_of(replacement()->copy().path), before);
  EXPECT_EQ(text_of(live()), changed);
  EXPECT_NE(inode(replacement()->copy().path / "chmod"), inode(live() / "chmod"));
  EXPECT_NE(inode(replacement()->copy().path / "part"), inode(live() / "part"));
}

TEST_F(FilesTargetTest, BytesThatAMediumHasChangedAreFoundByReading) {
  put(live() / "rotten", std::string(300'000, 'a'));
  put(live() / "sound", std::string(300'000, 'b'));
  testing::Taken taken = take();
  const std::string before = content_of(live() / "rotten");
  put(live() / "rotten", std::string(300'000, 'x'));
  const testing::Taken now = take();
  // A medium changes no times: the snapshot's entry is as the file is now.
  for (auto& thing : taken.things) thing.entry = now.find(path_of_key(thing.key))->entry;
  EXPECT_EQ(make_copy(taken).reused, 2U);
  EXPECT_NE(content_of(replacement()->copy().path / "rotten"), before);
  replacement()->discard_copy();
  make_copy(taken, Recognise::by_content);
  EXPECT_EQ(content_of(replacement()->copy().path / "rotten"), before);
  EXPECT_NE(inode(replacement()->copy().path / "rotten"), inode(live() / "rotten"));
}

TEST_F(FilesTargetTest, GoesOnWithACopyThatIsHalfMade) {
  testing::make_nasty_tree(live());
  const testing::Taken taken = take();
  const std::string before = text_of(live());
  put(live() / "contents/large", std::string((3 << 20U) + 17, 'x'));  // nothing to be taken there
  fs::remove(live() / "contents/page");
  const std::string live_before = text_of(live());
  const auto replacing = replacement();
  replacing->provision();
  {
    const auto sink = replacing->sink(Recognise::by_status);
    sink->begin();
    for (const auto& thing : taken.things) {
      if (thing.entry.kind == EntryKind::file) {
        if (sink->reuse(thing.key, thing.entry)) continue;
        const auto writer = sink->create(thing.key, thing.entry);
        if (path_of_key(thing.key) == "contents/page") {
          testing::put_content(thing, *writer, true);
        } else {
          writer->write(as_bytes("half"), 0);  // and no finish()
        }
      } else if (thing.entry.kind != EntryKind::hard_link) {
        sink->make(thing.key, thing.entry);
      }
    }
  }
  const ino_t page = inode(replacing->copy().path / "contents/page");
  make_copy(taken);
  EXPECT_EQ(inode(replacing->copy().path / "contents/page"), page);
  EXPECT_EQ(text_of(replacing->copy().path), before);
  EXPECT_EQ(text_of(live()), live_before);
  // On another boot, nothing is believed: content is compared.
  put(replacing->workplace().path / "copy-boot", "another boot");
  struct stat status {};
  ASSERT_EQ(stat((replacing->copy().path / "contents/page").c_str(), &status), 0);
  {
    const Fd fd = open_file(replacing->copy().path / "contents/page", O_WRONLY);
    write_all(fd.get(), Bytes(100), "page");
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    futimens(fd.get(), times.data());
  }
  make_copy(taken);
  EXPECT_EQ(text_of(replacing->copy().path), before);
  EXPECT_EQ(text_of(live()), live_before);
}

TEST_F(FilesTargetTest, SeparatesWhatWasWrittenThroughASharedFile) {
  for (const char* name : {"grown", "changed", "mode", "untouched", "removed", "late"}) {
    put(live() / "deep/er" / name, std::string("content of ") + name);
  }
  const testing::Taken taken = take();
  const std::string before = text_of(live());
  make_copy(taken);
  const auto replacing = replacement();
  const auto in_place = [&](const char* name, std::string_view text) {
    const fs::path path = replacing->copy().path / "deep/er" / name;
    const Fd fd = open_file(path, O_WRONLY);
    pwrite_all(fd.get(), as_bytes(text), 3, path.native());
  };
  in_place("changed", "CHANGED");
  in_place("grown", std::string(10'000, 'g'));
  fs::permissions(replacing->copy().path / "deep/er/mode", fs::perms(0600));
  fs::remove(replacing->copy().path / "deep/er/removed");
  const std::string written = text_of(replacing->copy().path);
  const bool is_shared =
      inode(live() / "deep/er/changed") == inode(replacing->copy().path / "deep/er/changed");
  EXPECT_EQ(replacing->separate(rewrite(taken), Way::forth), is_shared ? 3U : 0U);
  EXPECT_EQ(text_of(live()), before);
  EXPECT_EQ(text_of(replacing->copy().path), written);
  EXPECT_EQ(replacing->separate(rewrite(taken), Way::forth), 0U);
  // And after the cut-over, when the other side is what was live.
  replacing->cut_over(kWaitMs);
  in_place("late", "LATE");
  const std::string written_later = text_of(live());
  EXPECT_EQ(replacing->separate(rewrite(taken), Way::forth), is_shared ? 1U : 0U);
  EXPECT_EQ(text_of(live()), written_later);
  replacing->swap_back(kWaitMs);
  EXPECT_EQ(text_of(live()), before);
  EXPECT_EQ(text_of(replacing->copy().path), written_later);
}

TEST_F(FilesTargetTest, HardLinksAreNeverShared) {
  put(live() / "a", "first");
  fs::create_hard_link(live() / "a", live() / "b");
  put(live() / "c", "linked in the snapshot only");
  fs::create_hard_link(live() / "c", live() / "d");
  const testing::Taken taken = take();
  const std::string before = text_of(live());
  fs::remove(live() / "d");
  const auto replacing = replacement();
  make_copy(taken);
  EXPECT_EQ(text_of(replacing->copy().path), before);
  for (const char* name : {"a", "b", "c", "d"}) {
    EXPECT_NE(inode(replacing->copy().path / name), inode(live() / "a")) << name;
    EXPECT_NE(inode(replacing->copy().path / name), inode(live() / "c")) << name;
  }
}

TEST_F(FilesTargetTest, WhatIsNotProtectedStaysWithTheLivePath) {
  exclude = {"cache/**", "*.tmp", "other.db*", "build/"};
  put(live() / "file", "first");
  put(live() / "build/first", "1");
  fs::create_directory(live() / "cache");
  const testing::Taken taken = take();
  put(live() / "file", "second");
  put(live() / "cache/deep/inside", "cached");
  put(live() / "not-in-the-snapshot/x.tmp", "temporary");
  put(live() / "not-in-the-snapshot/y", "protected");
  put(live() / "other.db", "another store");
  fs::create_directory(live() / ".salvor-r1-other");
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (live() / "socket").native().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::string before = text_of(live());
  make_copy(taken);
  const auto replacing = replacement();
  replacing->cut_over(kWaitMs);
  EXPECT_EQ(content_of(live() / "file"), "first");
  EXPECT_EQ(content_of(live() / "cache/deep/inside"), "cached");
  EXPECT_EQ(content_of(live() / "build/first"), "1");
  EXPECT_EQ(content_of(live() / "not-in-the-snapshot/x.tmp"), "temporary");
  EXPECT_FALSE(fs::exists(live() / "not-in-the-snapshot/y"));
  EXPECT_EQ(content_of(live() / "other.db"), "another store");
  EXPECT_TRUE(fs::is_socket(live() / "socket"));
  EXPECT_TRUE(fs::is_directory(live() / ".salvor-r1-other"));
  replacing->swap_back(kWaitMs);
  EXPECT_EQ(text_of(live()), before);
}

TEST_F(FilesTargetTest, WhatIsNotProtectedSurvivesKills) {
  exclude = {"cache/**", "*.tmp"};
  constexpr int kStepsMax = 100;
  for (const bool goes_back : {false, true}) {
    for (int step = 0, exit_status = -1; exit_status != 0; ++step) {
      ASSERT_LT(step, kStepsMax);
      put(live() / "file", "first");
      put(live() / "sub/file", "first");
      const testing::Taken taken = take();
      put(live() / "cache/a", "a");
      put(live() / "cache/b", "b");
      put(live() / "sub/x.tmp", "x");
      put(live() / "new/y.tmp", "y");
      put(live() / "file", "second");
      const std::string before = text_of(live());
      make_copy(taken);
      sqlite::Child child([&](const auto&, const auto&) {
        int seen = 0;
        ReplacementFaults faults;
        faults.before_step = [&](std::string_view) {
          if (seen++ == step) _exit(42);
        };
        target(faults)->replacement("r1", "media")->cut_over(kWaitMs);
      });
      exit_status = child.wait();
      const auto replacing = replacement();
      if (!goes_back) {
        replacing->cut_over(kWaitMs);
        EXPECT_EQ(content_of(live() / "file"), "first");
        EXPECT_EQ(content_of(live() / "cache/b"), "b");
        EXPECT_EQ(content_of(live() / "sub/x.tmp"), "x");
        EXPECT_EQ(content_of(live() / "new/y.tmp"), "y");
      }
      replacing->swap_back(kWaitMs);
      EXPECT_EQ(text_of(live()), before) << "step " << step;
      replacing->discard_copy();
      testing::empty_tree(live());
    }
  }
}

TEST_F(FilesTargetTest, WhatIsMadeInTheWayOfWhatIsNotProtectedIsAConflict) {
  exclude = {"cache/", "kept/"};
  put(live() / "file", "first");
  const testing::Taken taken = take();
  put(live() / "file", "second");
  put(live() / "cache/sessions", "old");
  put(live() / "kept/page", "old");
  const std::string before = text_of(live());
  make_copy(taken);
  ReplacementFaults faults;
  bool is_made = false;
  faults.before_step = [&](std::string_view step) {
    if (step != "move what is not protected" || is_made) return;
    is_made = true;
    put(live() / "cache/sessions", "new");
  };
  try {
    target(faults)->replacement("r1", "media")->cut_over(kWaitMs);
    FAIL() << "expected a conflict";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict);
    EXPECT_NE(error.message().find((live() / "cache").native()), std::string::npos)
        << error.message();
  }
  const auto replacing = replacement();
  EXPECT_THROW(replacing->settle(Way::forth), Error);
  EXPECT_EQ(content_of(live() / "cache/sessions"), "new");
  EXPECT_EQ(content_of(live() / "kept/page"), "old");
  EXPECT_EQ(content_of(replacing->workplace().path / "old/cache/sessions"), "old");
  // Moved aside, it goes on.
  fs::rename(live() / "cache", live().parent_path() / "aside");
  replacing->cut_over(kWaitMs);
  EXPECT_EQ(content_of(live() / "file"), "first");
  EXPECT_EQ(content_of(live() / "cache/sessions"), "old");
  replacing->swap_back(kWaitMs);
  EXPECT_EQ(text_of(live()), before);
}

TEST_F(FilesTargetTest, WhatIsInTheWayOfAnUndoStaysWithTheCopy) {
  exclude = {"cache/"};
  put(live() / "file", "first");
  const testing::Taken taken = take();
  put(live() / "cache/page", "old");
  const std::string before = text_of(live());
  make_copy(taken);
  ReplacementFaults faults;
  faults.before_step = [&](std::string_view step) {
    if (step == "move what is not protected") put(live() / "cache/page", "new");
  };
  EXPECT_THROW(target(faults)->replacement("r1", "media")->cut_over(kWaitMs), Error);
  const auto replacing = replacement();
  replacing->settle(Way::back);
  replacing->swap_back(kWaitMs);
  EXPECT_EQ(text_of(live()), before);
  EXPECT_EQ(content_of(replacing->copy().path / "cache/page"), "new");
}

TEST_F(FilesTargetTest, WhatIsMadeBetweenTwoMovesIsNeverTakenForWhatWasLive) {
  exclude = {"cache/"};
  put(live() / "file", "first");
  const testing::Taken taken = take();
  put(live() / "file", "second");
  put(live() / "cache/page", "unprotected");
  const std::string before = text_of(live());
  make_copy(taken);
  ReplacementFaults faults;
  faults.can_exchange_names = false;
  faults.before_step = [&](std::string_view step) {
    if (step == "move the copy in") put(live() / "file", "of somebody else");
  };
  const auto replacing = [&] { return target(faults)->replacement("r1", "media"); };
  EXPECT_THROW(replacing()->cut_over(kWaitMs), Error);
  EXPECT_THROW(replacing()->cut_over(kWaitMs), Error);
  EXPECT_THROW(replacing()->discard_copy(), Error);
  EXPECT_THROW(replacing()->swap_back(kWaitMs), Error);
  EXPECT_EQ(content_of(live() / "file"), "of somebody else");
  fs::rename(live(), live().parent_path() / "aside");
  faults.before_step = {};
  replacing()->cut_over(kWaitMs);
  EXPECT_EQ(content_of(live() / "file"), "first");
  EXPECT_EQ(content_of(live() / "cache/page"), "unprotected");
  replacing()->swap_back(kWaitMs);
  EXPECT_EQ(text_of(live()), before);
  replacing()->discard_copy();
}

TEST_F(FilesTargetTest, AWriteBeforeTheCopyIsCompleteIsNoticed) {
  put(live() / "same size", "first");
  put(live() / "untouched", "first");
  const testing::Taken taken = take();
  const auto replacing = replacement();
  replacing->provision();
  {
    const auto sink = replacing->sink(Recognise::by_status);
    sink->begin();
    for (const auto& thing : taken.things) {
      if (thing.entry.kind == EntryKind::file) {
        EXPECT_TRUE(sink->reuse(thing.key, thing.entry));
      } else {
        sink->make(thing.key, thing.entry);
      }
    }
    testing::wait_for_tick(live().parent_path());
    put(live() / "same size", "wrote");
    for (const auto& thing : taken.things) sink->complete(thing.key, thing.entry);
    sink->commit();
  }
  if (inode(live() / "same size") != inode(replacing->copy().path / "same size")) {
    GTEST_SKIP() << "this file system shares blocks";
  }
  std::vector<std::string> asked;
  replacing->separate(
      [&](ByteView key, FileWriter& writer) {
        asked.push_back(path_of_key(key));
        testing::put_content(*taken.find(asked.back()), writer, true);
      },
      Way::back);
  EXPECT_EQ(asked, std::vector<std::string>{"same size"});
  EXPECT_TRUE(replacing->state().has_written);
  EXPECT_EQ(content_of(replacing->copy().path / "same size"), "wrote");
}

TEST_F(FilesTargetTest, NothingIsGivenUpWhileNothingIsLive) {
  put(live() / "file", "first");
  make_copy(take());
  const auto replacing = replacement();
  EXPECT_THROW(replacing->try_discard_old(), Error);
  replacing->cut_over(kWaitMs);
  replacing->try_discard_old();
  fs::rename(live(), live().parent_path() / "aside");
  EXPECT_THROW(replacing->try_discard_old(), Error);
  EXPECT_THROW(replacing->discard_old(), Error);
  fs::rename(live().parent_path() / "aside", live());
  replacing->discard_old();
  // What a kill leaves between the last two steps.
  fs::create_directory(replacing->workplace().path);
  replacing->discard_old();
  EXPECT_FALSE(fs::exists(replacing->workplace().path));
}

TEST_F(FilesTargetTest, AMountPointIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can mount";
  fs::create_directories(live() / "below/a blank");
  sqlite::Child child([&](const auto&, const auto&) {
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", (live() / "below/a blank").c_str(), "tmpfs", 0, nullptr) != 0) {
      _exit(77);
    }
    try {
      replacement()->provision();
    } catch (const Error& error) {
      _exit(error.code() == ErrorCode::refused ? 6 : 1);
    }
  });
  const int exit_status = child.wait();
  if (exit_status == 77) GTEST_SKIP() << "mounting is not permitted here";
  EXPECT_EQ(exit_status, 6);
  EXPECT_FALSE(fs::exists(replacement()->workplace().path));
}

TEST_F(FilesTargetTest, WhoWritesIsNamedAndNothingHasChanged) {
  put(live() / "log", "a line");
  put(live() / "read", "a line");
  const testing::Taken taken = take();
  const std::string before = text_of(live());
  make_copy(taken);
  sqlite::Child writer([&](const auto& ready, const auto& stopped) {
    const Fd log = open_file(live() / "log", O_WRONLY | O_APPEND);
    const Fd read = open_file(live() / "read", O_RDONLY);
    ready();
    while (!stopped()) usleep(1000);
  });
  ASSERT_TRUE(writer.wait_ready());
  const TargetIdentity identity = target()->identify(1000);
  ASSERT_EQ(identity.holders.size(), 2U);
  const auto replacing = replacement();
  try {
    replacing->cut_over(200);
    FAIL() << "expected a conflict";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict);
    EXPECT_NE(error.message().find("(pid " + std::to_string(identity.holders[0].pid) + ") writes " +
                                   (live() / "log").native()),
              std::string::npos)
        << error.message();
    EXPECT_EQ(error.message().find("/read"), std::string::npos);
  }
  EXPECT_FALSE(replacing->state().cut_over);
  EXPECT_EQ(text_of(live()), before);
  writer.stop();
  replacing->cut_over(kWaitMs);
  EXPECT_TRUE(replacing->state().cut_over);
}

TEST_F(FilesTargetTest, LooksAtPathsWithin) {
  put(live() / "a/file", "abc");
  fs::create_symlink("a/file", live() / "inside");
  fs::create_symlink("/etc/passwd", live() / "outside");
  fs::create_symlink("../../etc", live() / "upwards");
  const auto store = target();
  EXPECT_EQ(store->paths()->look_at("a/file")->bytes, 3U);
  EXPECT_TRUE(store->paths()->look_at("inside")->is_file);
  EXPECT_FALSE(store->paths()->look_at("a")->is_file);
  for (const char* path : {"outside", "upwards/passwd", "../live/a/file", "none", "a/file/x"}) {
    EXPECT_FALSE(store->paths()->look_at(path)) << path;
  }
  EXPECT_EQ(store->paths()->sha256("inside"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_THROW(store->paths()->sha256("a"), Error);
  std::vector<std::string> found;
  store->paths()->list([&](const std::string& path) { found.push_back(path); });
  EXPECT_EQ(found, std::vector<std::string>{"a/file"});
}

}  // namespace
}  // namespace salvor::stores
