// A tree goes through source and sink, and comes back as it was.

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "base/fd.h"
#include "stores/disk/tree.h"
#include "testing/nasty_tree.h"
#include "testing/store_copy.h"
#include "testing/tree_compare.h"

namespace salvor::stores::disk {
namespace {

namespace fs = std::filesystem;

/// Where hundreds of thousands of empty files are made and removed in a second, if there is such.
fs::path parent_for_many() {
  return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

class FilesRoundTrip : public ::testing::Test {
 protected:
  explicit FilesRoundTrip(const fs::path& parent = "/tmp") : home_(parent, "salvor-files-") {
    fs::create_directory(source());
    umask(0022);
  }
  ~FilesRoundTrip() override { testing::empty_tree(home_.path()); }

  fs::path source() const { return home_.path() / "source"; }
  fs::path target() const { return home_.path() / "target"; }

  std::unique_ptr<Source> open_source(unsigned threads = 8) const {
    TreeSourceOptions options;
    options.root = source();
    options.reading_threads = threads;
    return make_tree_source(std::move(options));
  }
  SinkReport restore(const testing::Taken& taken) const {
    TreeSinkOptions options;
    options.target = target();
    const auto sink = make_tree_sink(std::move(options));
    testing::put_all(taken, *sink);
    return sink->report();
  }
  std::string difference() const {
    return testing::tree_difference(testing::describe_tree(source()),
                                    testing::describe_tree(target()));
  }

  const TemporaryDirectory home_;
};

class FilesRoundTripOfMany : public FilesRoundTrip {
 protected:
  FilesRoundTripOfMany() : FilesRoundTrip(parent_for_many()) {}
};

TEST_F(FilesRoundTrip, EverythingOfANastyTree) {
  testing::make_nasty_tree(source());
  const auto before = testing::describe_tree(source());
  ASSERT_GT(before.size(), 150U);
  const auto store = open_source();
  const testing::Taken taken = testing::take_all(*store);
  EXPECT_TRUE(taken.report.unreadable.empty());
  EXPECT_EQ(taken.things.size(), before.size());
  const SinkReport report = restore(taken);
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  EXPECT_EQ(report.moved_aside, 0U);
  EXPECT_EQ(difference(), "");
  // Reading changed nothing, either.
  EXPECT_EQ(testing::tree_difference(before, testing::describe_tree(source())), "");
}

TEST_F(FilesRoundTrip, KeysAscendStrictlyWithAnyNumberOfThreads) {
  testing::make_nasty_tree(source());
  std::vector<std::string> first;
  for (const unsigned threads : {0U, 1U, 3U, 16U}) {
    const auto store = open_source(threads);
    std::vector<std::string> keys;
    while (const auto item = store->next()) keys.emplace_back(as_text(item->key));
    ASSERT_FALSE(keys.empty());
    EXPECT_EQ(keys.front(), "");
    for (std::size_t i = 1; i < keys.size(); ++i) ASSERT_LT(keys[i - 1], keys[i]);
    if (first.empty()) first = keys;
    EXPECT_EQ(keys, first) << threads << " threads";
  }
}

TEST_F(FilesRoundTrip, HolesStayHoles) {
  testing::make_nasty_tree(source());
  const auto store = open_source();
  restore(testing::take_all(*store));
  struct stat status {};
  ASSERT_EQ(stat((target() / "holes/huge").c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 20LL << 30);
  EXPECT_LE(status.st_blocks * 512, 1 << 20);
}

TEST_F(FilesRoundTrip, SocketsAreSkippedAndCounted) {
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = source() / "socket";
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const auto store = open_source();
  const testing::Taken taken = testing::take_all(*store);
  EXPECT_EQ(taken.paths(), (std::vector<std::string>{""}));
  EXPECT_EQ(taken.report.sockets_skipped, 1U);
}

TEST_F(FilesRoundTripOfMany, TwoThousandLevelsWithFewDescriptors) {
  Fd at = open_file(source(), O_RDONLY | O_DIRECTORY);
  for (int level = 0; level < 2000; ++level) {
    ASSERT_EQ(mkdirat(at.get(), "deeper", 0755), 0);
    at = Fd(openat(at.get(), "deeper", O_RDONLY | O_DIRECTORY));
    ASSERT_TRUE(at.valid());
  }
  ASSERT_TRUE(Fd(openat(at.get(), "file", O_CREAT | O_WRONLY, 0644)).valid());
  at.close();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{300, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const auto store = open_source();
  const testing::Taken taken = testing::take_all(*store);
  EXPECT_EQ(taken.things.size(), 2002U);
  EXPECT_TRUE(taken.report.unreadable.empty());
  restore(taken);
  EXPECT_EQ(difference(), "");
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(FilesRoundTripOfMany, ADirectoryOf200000Names) {
  const Fd at = open_file(source(), O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 200'000; ++i) {
    const std::string name = std::to_string(i * 7919 % 200'000);
    ASSERT_TRUE(Fd(openat(at.get(), name.c_str(), O_CREAT | O_WRONLY, 0600)).valid());
  }
  const auto store = open_source();
  std::size_t count = 0;
  Bytes last;
  while (const auto item = store->next()) {
    if (count++ > 0) {
      ASSERT_LT(as_text(last), as_text(item->key));
    }
    last = item->key;
  }
  EXPECT_EQ(count, 200'001U);
}

// The walker's bound on what lies ahead must not stop it, whatever shape the tree has.
TEST_F(FilesRoundTripOfMany, ManyNamesBehindADeepBeginning) {
  fs::path deep = source() / "a";
  for (int level = 0; level < 40; ++level) {
    fs::create_directories(deep);
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(open_file(deep / fmt::format("n{}", i), O_CREAT | O_WRONLY).valid());
    }
    deep /= "a";
  }
  for (int i = 0; i < 90'000; ++i) {
    ASSERT_TRUE(open_file(source() / fmt::format("z{}", i), O_CREAT | O_WRONLY).valid());
  }
  const auto store = open_source();
  std::size_t count = 0;
  while (store->next()) ++count;
  EXPECT_EQ(count, 1U + 40 * 301 + 90'000);
}

TEST_F(FilesRoundTrip, DestructionInTheMiddleEndsAllThreads) {
  testing::make_nasty_tree(source());
  for (int items = 0; items < 40; ++items) {
    const auto store = open_source();
    for (int i = 0; i < items; ++i) ASSERT_TRUE(store->next().has_value());
  }
}

}  // namespace
}  // namespace salvor::stores::disk
