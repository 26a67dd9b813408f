#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>

#include "base/error.h"
#include "base/fd.h"
#include "stores/disk/tree.h"
#include "testing/call_faults.h"
#include "testing/nasty_tree.h"
#include "testing/store_copy.h"
#include "testing/tree_compare.h"

namespace salvor::stores::disk {
namespace {

namespace fs = std::filesystem;

Entry entry_of(EntryKind kind) {
  Entry entry;
  entry.kind = kind;
  entry.mode = 0755;
  entry.uid = geteuid();
  entry.gid = getegid();
  return entry;
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::checks_failed;  // stands for "no error": no sink throws it
}

class TreeSinkTest : public ::testing::Test {
 protected:
  TreeSinkTest() { umask(0022); }
  ~TreeSinkTest() override { testing::empty_tree(home_.path()); }

  std::unique_ptr<Sink> open_sink(bool delta = false) const {
    TreeSinkOptions options;
    options.target = target_;
    options.delta = delta;
    auto sink = make_tree_sink(std::move(options));
    return sink;
  }
  testing::Taken take(const fs::path& root) const {
    TreeSourceOptions options;
    options.root = root;
    return testing::take_all(*make_tree_source(std::move(options)));
  }
  static void write(const fs::path& path, std::string_view content) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }
  static std::string read(const fs::path& path) {
    return std::string(as_text(read_file(path, 1 << 20)));
  }
  static ino_t inode_of(const fs::path& path) {
    struct stat status {};
    return lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
  }
  std::string difference() const {
    return testing::tree_difference(testing::describe_tree(source_),
                                    testing::describe_tree(target_));
  }
  SinkReport restore_delta(const testing::Taken& taken) const {
    const auto sink = open_sink(true);
    testing::put_all(taken, *sink, true);
    return sink->report();
  }

  TemporaryDirectory home_{"/tmp", "salvor-sink-"};
  const fs::path source_ = home_.path() / "source";
  const fs::path target_ = home_.path() / "below/target";
};

TEST_F(TreeSinkTest, CreatesTheTargetAndItsParents) {
  const auto sink = open_sink();
  sink->begin();
  EXPECT_TRUE(fs::is_directory(target_));
}

TEST_F(TreeSinkTest, RefusesATargetThatIsNotEmpty) {
  write(target_ / "precious", "1");
  EXPECT_EQ(code_of([&] { open_sink()->begin(); }), ErrorCode::refused);
  EXPECT_EQ(code_of([&] { open_sink(true)->begin(); }), ErrorCode::checks_failed);
  EXPECT_EQ(read(target_ / "precious"), "1");
  fs::remove_all(target_);
  write(target_, "a file");
  EXPECT_EQ(code_of([&] { open_sink()->begin(); }), ErrorCode::refused);
}

TEST_F(TreeSinkTest, RefusesHostileKeys) {
  const auto sink = open_sink();
  sink->begin();
  sink->make({}, entry_of(EntryKind::directory));
  using namespace std::string_literals;
  for (const std::string& raw : {".."s, "."s, "a/b"s, "/etc"s, "\0a"s, "a\0"s, "a\0\0b"s, "a\0.."s,
                                 "..\0..\0etc"s, "\0"s, std::string(4096, 'n')}) {
    const Bytes key = to_bytes(raw);
    const Entry directory = entry_of(EntryKind::directory);
    const Entry file = entry_of(EntryKind::file);
    EXPECT_EQ(code_of([&] { sink->make(key, directory); }), ErrorCode::corruption) << to_hex(key);
    EXPECT_EQ(code_of([&] { sink->create(key, file); }), ErrorCode::corruption) << to_hex(key);
    EXPECT_EQ(code_of([&] { sink->complete(key, file); }), ErrorCode::corruption) << to_hex(key);
  }
  // But for what says that the restore is not finished.
  for (const auto& found : fs::directory_iterator(target_)) {
    EXPECT_EQ(found.path().filename(), kIncompleteMarker);
  }
}

TEST_F(TreeSinkTest, RefusesMissingParents) {
  const auto sink = open_sink();
  sink->begin();
  sink->make({}, entry_of(EntryKind::directory));
  const Bytes key = key_of_path("missing/file");
  EXPECT_EQ(code_of([&] { sink->create(key, entry_of(EntryKind::file)); }), ErrorCode::corruption);
  EXPECT_EQ(code_of([&] { sink->make(key, entry_of(EntryKind::fifo)); }), ErrorCode::corruption);
}

TEST_F(TreeSinkTest, NeverWritesThroughASymlink) {
  const fs::path outside = home_.path() / "outside";
  fs::create_directory(outside);
  const auto sink = open_sink();
  sink->begin();
  sink->make({}, entry_of(EntryKind::directory));
  Entry link = entry_of(EntryKind::symlink);
  link.target = to_bytes(outside.native());
  sink->make(key_of_path("link"), link);  // a snapshot that says: link, and link/file
  EXPECT_EQ(code_of([&] { sink->create(key_of_path("link/file"), entry_of(EntryKind::file)); }),
            ErrorCode::corruption);
  // Somebody swaps one in while the restore runs.
  sink->make(key_of_path("dir"), entry_of(EntryKind::directory));
  fs::remove(target_ / "dir");
  fs::create_symlink(outside, target_ / "dir");
  EXPECT_EQ(code_of([&] { sink->create(key_of_path("dir/file"), entry_of(EntryKind::file)); }),
            ErrorCode::corruption);
  write(outside / "victim", "1");
  fs::create_symlink(outside / "victim", target_ / "new");
  EXPECT_EQ(code_of([&] { sink->create(key_of_path("new"), entry_of(EntryKind::file)); }),
            ErrorCode::conflict);
  EXPECT_EQ(read(outside / "victim"), "1");
}

TEST_F(TreeSinkTest, RefusesHardLinksToWhatDoesNotComeBefore) {
  const auto sink = open_sink();
  sink->begin();
  sink->make({}, entry_of(EntryKind::directory));
  sink->make(key_of_path("dir"), entry_of(EntryKind::directory));
  sink->complete({}, entry_of(EntryKind::directory));
  Entry link = entry_of(EntryKind::hard_link);
  for (const char* target : {"../../etc/passwd", "z", "b", "dir/..", ""}) {
    link.target = key_of_path(target);
    const auto fresh = open_sink(true);
    fresh->begin();
    fresh->complete({}, entry_of(EntryKind::directory));
    EXPECT_EQ(code_of([&] { fresh->complete(key_of_path("b"), link); }), ErrorCode::corruption)
        << target;
  }
  EXPECT_EQ(code_of([&] { sink->complete({}, entry_of(EntryKind::directory)); }),
            ErrorCode::corruption);  // twice the same key
}

TEST_F(TreeSinkTest, DeltaMakesAnyTreeIntoTheSnapshot) {
  fs::create_directory(source_);
  testing::make_nasty_tree(source_);
  const testing::Taken taken = take(source_);
  // Over nothing, over itself, and over another tree.
  restore_delta(taken);
  EXPECT_EQ(difference(), "");
  const SinkReport again = restore_delta(taken);
  EXPECT_EQ(difference(), "");
  EXPECT_EQ(again.moved_aside, 0U);
  testing::empty_tree(target_);
  testing::NastyTreeOptions other;
  other.seed = 2;
  testing::make_nasty_tree(target_, other);
  const SinkReport report = restore_delta(taken);
  EXPECT_EQ(difference(), "");
  EXPECT_TRUE(report.warnings.empty());
}

TEST_F(TreeSinkTest, DeltaWritesInPlaceAndLeavesRightHardLinks) {
  write(source_ / "file", std::string(300'000, 'a'));
  write(source_ / "one", "linked");
  fs::create_hard_link(source_ / "one", source_ / "two");
  const testing::Taken taken = take(source_);
  restore_delta(taken);
  const ino_t file = inode_of(target_ / "file");
  const ino_t one = inode_of(target_ / "one");
  write(target_ / "file", std::string(400'000, 'b'));
  restore_delta(taken);
  EXPECT_EQ(inode_of(target_ / "file"), file);
  EXPECT_EQ(inode_of(target_ / "one"), one);
  EXPECT_EQ(difference(), "");
}

TEST_F(TreeSinkTest, DeltaDoesNotReachThroughAForeignHardLink) {
  write(source_ / "file", "of the snapshot");
  const testing::Taken taken = take(source_);
  write(home_.path() / "elsewhere", "not to be touched");
  fs::create_directories(target_);
  fs::create_hard_link(home_.path() / "elsewhere", target_ / "file");
  restore_delta(taken);
  EXPECT_EQ(read(home_.path() / "elsewhere"), "not to be touched");
  EXPECT_EQ(difference(), "");
}

TEST_F(TreeSinkTest, DeltaMovesAsideAndNeverDeletes) {
  write(source_ / "a/keep", "1");
  write(source_ / "is-file", "1");
  fs::create_directories(source_ / "is-directory/below");
  fs::create_symlink("right", source_ / "link");
  const testing::Taken taken = take(source_);
  write(target_ / "a/keep", "1");
  write(target_ / "a/surplus", "surplus");
  write(target_ / "a/zz/deep/down", "deep");
  write(target_ / "is-file/was-directory", "inside");
  write(target_ / "is-directory", "was a file");
  fs::create_symlink("wrong", target_ / "link");
  write(target_ / "zzz", "last");
  const SinkReport report = restore_delta(taken);
  EXPECT_EQ(difference(), "");
  EXPECT_EQ(report.moved_aside, 6U);
  const fs::path aside = report.moved_aside_to;
  EXPECT_TRUE(aside.native().starts_with(target_.native() + ".aside-")) << aside;
  EXPECT_EQ(read(aside / "a/surplus"), "surplus");
  EXPECT_EQ(read(aside / "a/zz/deep/down"), "deep");
  EXPECT_EQ(read(aside / "is-file/was-directory"), "inside");
  EXPECT_EQ(read(aside / "is-directory"), "was a file");
  EXPECT_EQ(fs::read_symlink(aside / "link"), "wrong");
  EXPECT_EQ(read(aside / "zzz"), "last");
  struct stat status {};
  ASSERT_EQ(stat(aside.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0700U);
}

TEST_F(TreeSinkTest, DeltaReplacesWhatCannotBeWritten) {
  // A program that runs can't be opened for writing (ETXTBSY).
  fs::create_directories(target_);
  fs::copy_file("/bin/sleep", target_ / "program");
  write(source_ / "program", "#!/bin/sh\n");
  const testing::Taken taken = take(source_);
  std::string program = target_ / "program";
  std::string argument = "60";
  char* const arguments[] = {program.data(), argument.data(), nullptr};
  pid_t child = 0;
  // Returns when it runs, or can't.
  if (posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, environ) != 0) {
    GTEST_SKIP() << "programs can't be run from " << target_;
  }
  EXPECT_FALSE(Fd(open(program.c_str(), O_RDWR)).valid());
  restore_delta(taken);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(difference(), "");
}

TEST_F(TreeSinkTest, AbandonedWritersLeaveNoReplacementBehind) {
  write(target_ / "file", "old");
  fs::create_hard_link(target_ / "file", target_ / "second");
  const auto sink = open_sink(true);
  sink->begin();
  Entry entry = entry_of(EntryKind::file);
  entry.size = 3;
  sink->create(key_of_path("file"), entry)->write(as_bytes("new"), 0);
  EXPECT_EQ(read(target_ / "file"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(target_), {}), 2);
}

std::vector<std::string> starts_of(const std::vector<std::string>& lines) {
  std::vector<std::string> starts;
  for (const std::string& line : lines) starts.push_back(line.substr(0, line.find(':')));
  return starts;
}

// VFAT, exFAT and some network file systems have no symlinks and no fifos.
TEST_F(TreeSinkTest, WhatTheFileSystemLacksIsNamedAndTheRestRestored) {
  write(source_ / "a/file", "content");
  write(source_ / "z", "last");
  fs::create_symlink("file", source_ / "a/link");
  ASSERT_EQ(mkfifo((source_ / "a/pipe").c_str(), 0600), 0);
  const testing::Taken taken = take(source_);
  for (const int error : {EPERM, EOPNOTSUPP}) {
    fs::create_directories(target_.parent_path());
    testing::empty_tree(target_.parent_path());
    const auto sink = open_sink();
    {
      const testing::CallFault failing(testing::Call::symlinkat, error);
      testing::put_all(taken, *sink);
    }
    EXPECT_EQ(starts_of(sink->report().not_made), std::vector<std::string>{"a/link (symlink)"});
    EXPECT_EQ(read(target_ / "a/file"), "content");
    EXPECT_EQ(read(target_ / "z"), "last");
    EXPECT_EQ(inode_of(target_ / "a/link"), 0U);
    fs::create_directories(target_.parent_path());
    testing::empty_tree(target_.parent_path());
    const auto other = open_sink();
    const testing::CallFault failing(testing::Call::mknodat, error);
    testing::put_all(taken, *other);
    EXPECT_EQ(starts_of(other->report().not_made), std::vector<std::string>{"a/pipe (fifo)"});
    EXPECT_EQ(fs::read_symlink(target_ / "a/link"), "file");
  }
}

TEST_F(TreeSinkTest, AHardLinkThatCannotBeMadeBecomesACopy) {
  write(source_ / "a/first", "content");
  fs::create_hard_link(source_ / "a/first", source_ / "b-second");
  fs::permissions(source_ / "a/first", fs::perms(0640));
  ASSERT_EQ(mkfifo((source_ / "c-pipe").c_str(), 0600), 0);
  fs::create_hard_link(source_ / "c-pipe", source_ / "d-pipe");
  const testing::Taken taken = take(source_);
  for (const int error : {EPERM, EOPNOTSUPP, EMLINK}) {
    fs::create_directories(target_.parent_path());
    testing::empty_tree(target_.parent_path());
    const auto sink = open_sink();
    const testing::CallFault failing(testing::Call::linkat, error);
    testing::put_all(taken, *sink);
    EXPECT_TRUE(sink->report().not_made.empty());
    ASSERT_EQ(sink->report().warnings.size(), 1U);
    EXPECT_NE(sink->report().warnings[0].find("a copy is there instead"), std::string::npos);
    EXPECT_EQ(read(target_ / "b-second"), "content");
    EXPECT_NE(inode_of(target_ / "b-second"), inode_of(target_ / "a/first"));
    EXPECT_EQ(fs::status(target_ / "b-second").permissions(), fs::perms(0640));
    EXPECT_EQ(fs::last_write_time(target_ / "b-second"), fs::last_write_time(source_ / "a/first"));
    EXPECT_EQ(fs::status(target_ / "d-pipe").type(), fs::file_type::fifo);
  }
}

// Names of NTFS and FUSE: ext4 has 255 bytes.
TEST_F(TreeSinkTest, NamesThatAreTooLongForTheTargetAreNamedAndTheRestRestored) {
  write(source_ / "file", "content");
  testing::Taken taken = take(source_);
  const std::string name(300, 'n');
  const auto add = [&](const std::string& path, EntryKind kind) {
    testing::Taken::Thing thing;
    thing.key = key_of_path(path);
    thing.entry = entry_of(kind);
    taken.things.push_back(std::move(thing));
  };
  add(name, EntryKind::directory);
  add(name + "/below", EntryKind::file);
  add(name + "/down", EntryKind::directory);
  add(name + "/down/below", EntryKind::file);
  add(name + "2", EntryKind::file);
  add("o", EntryKind::file);
  for (const bool delta : {false, true}) {
    fs::create_directories(target_.parent_path());
    testing::empty_tree(target_.parent_path());
    const auto sink = open_sink(delta);
    testing::put_all(taken, *sink, delta);
    const std::vector<std::string> expected{name + " (directory, and all that is in it)",
                                            name + "2 (file)"};
    EXPECT_EQ(starts_of(sink->report().not_made), expected);
    EXPECT_EQ(read(target_ / "file"), "content");
    EXPECT_NE(inode_of(target_ / "o"), 0U);
  }
}

}  // namespace
}  // namespace salvor::stores::disk
