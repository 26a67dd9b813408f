#include "base/answers.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/fd.h"

namespace salvor {
namespace {

namespace fs = std::filesystem;

class AnswersTest : public ::testing::Test {
 protected:
  AnswersTest() : directory_("/tmp") {}

  std::vector<fs::path> silent(const std::vector<fs::path>& paths, std::int64_t wait_ms = 20'000,
                               const fs::path& lock_file = {}) {
    return paths_without_answer(paths, wait_ms, {}, lock_file);
  }

  fs::path place(const char* name) const { return directory_.path() / name; }

  TemporaryDirectory directory_;
};

/// A file system of which nobody reads the requests.
class DeadMount {
 public:
  explicit DeadMount(fs::path path)
      : path_(std::move(path)), device_(::open("/dev/fuse", O_RDWR | O_CLOEXEC)) {
    fs::create_directory(path_);
    const std::string options =
        "fd=" + std::to_string(device_.get()) + ",rootmode=40000,user_id=0,group_id=0";
    mounted_ = device_ && ::mount("dead", path_.c_str(), "fuse", 0, options.c_str()) == 0;
  }
  DeadMount(const DeadMount&) = delete;
  DeadMount& operator=(const DeadMount&) = delete;
  ~DeadMount() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }

  bool mounted() const { return mounted_; }

 private:
  fs::path path_;
  Fd device_;
  bool mounted_ = false;
};

TEST_F(AnswersTest, WhatIsThereAnswersAndWhatIsMissingToo) {
  std::ofstream(place("file")) << "x";
  fs::create_symlink("nowhere", place("dangling"));
  EXPECT_EQ(
      silent({"/", directory_.path(), place("file"), place("missing"), place("missing/below"),
              place("file/below"), place("dangling"), "", "/dev/null", std::string(5000, 'x')}),
      std::vector<fs::path>{});
  EXPECT_EQ(silent({}), std::vector<fs::path>{});
}

TEST_F(AnswersTest, NobodyIsLeftToBeWaitedFor) {
  EXPECT_EQ(silent({directory_.path()}), std::vector<fs::path>{});
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(AnswersTest, ManyAnswer) {
  const std::vector<fs::path> many(30'000, directory_.path());
  EXPECT_EQ(silent(many), std::vector<fs::path>{});
}

TEST_F(AnswersTest, APipeIsNotOpened) {
  ASSERT_EQ(::mkfifo(place("fifo").c_str(), 0600), 0);
  // It would let go who waits for a reader.
  std::atomic<bool> opened = false;
  std::jthread writer([&] {
    const Fd fd(::open(place("fifo").c_str(), O_WRONLY | O_CLOEXEC));
    opened = true;
  });
  EXPECT_EQ(silent({place("fifo")}), std::vector<fs::path>{});
  EXPECT_FALSE(opened);
  const Fd reader(::open(place("fifo").c_str(), O_RDONLY | O_CLOEXEC));
}

TEST_F(AnswersTest, AccessTimesStay) {
  std::ofstream(place("file")) << "x";
  const timespec long_ago[2] = {{1000, 0}, {2000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, place("file").c_str(), long_ago, 0), 0);
  EXPECT_EQ(silent({place("file")}), std::vector<fs::path>{});
  struct stat status {};
  ASSERT_EQ(::stat(place("file").c_str(), &status), 0);
  EXPECT_EQ(status.st_atim.tv_sec, 1000);
}

TEST_F(AnswersTest, WhatHangsIsNamedAndTheOthersAreAskedMeanwhile) {
  const DeadMount one(place("one"));
  const DeadMount other(place("other"));
  if (!one.mounted() || !other.mounted()) GTEST_SKIP() << "not permitted to mount";
  const auto start = std::chrono::steady_clock::now();
  const std::vector<fs::path> paths{place("one"), "/", place("other/below"), place("missing")};
  EXPECT_EQ(silent(paths, 1000), (std::vector<fs::path>{place("one"), place("other/below")}));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

/// Locks the whole file, as a process does that hangs on each path.
Fd lock_all(const fs::path& file) {
  Fd fd = open_file(file, O_RDWR);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_OFD_SETLK, &lock) != 0) throw_system_error("cannot lock", "", errno);
  return fd;
}

TEST_F(AnswersTest, WhatAnotherProcessHangsOnIsNotAskedAgain) {
  const std::vector<fs::path> files{"", place("nowhere/locks"), place("locks"), place("unused")};
  const fs::path locks = usable_lock_file(files);
  ASSERT_EQ(locks, place("locks"));
  EXPECT_FALSE(fs::exists(place("unused")));
  const std::vector<fs::path> paths{"/", place("missing")};
  EXPECT_EQ(silent(paths, 20'000, locks), std::vector<fs::path>{});
  Fd hanging = lock_all(locks);
  EXPECT_EQ(silent(paths, 300, locks), paths);
  EXPECT_EQ(silent(paths, 20'000, place("gone")), std::vector<fs::path>{});
  hanging.close();
  EXPECT_EQ(silent(paths, 20'000, locks), std::vector<fs::path>{});
}

/// Whether a path answers where this mount is not: in a mount namespace of its own.
bool answers_without(const fs::path& mount, const fs::path& locks) {
  const pid_t child = ::fork();
  if (child == 0) {
    const bool is_away = ::unshare(CLONE_NEWNS) == 0 &&
                         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         ::umount2(mount.c_str(), MNT_DETACH) == 0;
    const std::vector<fs::path> paths{mount};
    ::_exit(is_away && paths_without_answer(paths, 20'000, {}, locks).empty() ? 0 : 1);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(AnswersTest, WhatHangsInOneContainerIsAskedInAnother) {
  const fs::path locks = usable_lock_file(std::vector<fs::path>{place("locks")});
  const DeadMount dead(place("dead"));
  if (!dead.mounted()) GTEST_SKIP() << "not permitted to mount";
  const std::vector<fs::path> paths{place("dead")};
  EXPECT_EQ(silent(paths, 100, locks), paths);
  EXPECT_TRUE(answers_without(place("dead"), locks));
}

TEST_F(AnswersTest, WhoIsNotTheOwnerHasNoLockFile) {
  fs::create_symlink("elsewhere", place("link"));
  const std::vector<fs::path> files{place("link"), directory_.path()};
  EXPECT_EQ(usable_lock_file(files), fs::path());
  EXPECT_FALSE(fs::exists(place("elsewhere")));
}

TEST_F(AnswersTest, AFileInWhichSomebodyElseCanHoldALockIsNotUsed) {
  const std::vector<fs::path> files{place("locks")};
  ASSERT_EQ(usable_lock_file(files), place("locks"));
  // Who can read it may lock it as well.
  for (const mode_t mode : {0620U, 0602U, 0640U, 0604U}) {
    ASSERT_EQ(::chmod(place("locks").c_str(), mode), 0);
    EXPECT_EQ(usable_lock_file(files), fs::path()) << std::oct << mode;
  }
  ASSERT_EQ(::chmod(place("locks").c_str(), 0600), 0);
  fs::create_hard_link(place("locks"), place("second name"));
  EXPECT_EQ(usable_lock_file(files), fs::path());
  fs::remove(place("second name"));
  ASSERT_EQ(usable_lock_file(files), place("locks"));
  ASSERT_EQ(::mkfifo(place("pipe").c_str(), 0600), 0);
  EXPECT_EQ(usable_lock_file(std::vector<fs::path>{place("pipe"), place("locks")}), place("locks"));
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_EQ(::chown(place("locks").c_str(), 65534, 65534), 0);
  EXPECT_EQ(usable_lock_file(files), fs::path());
}

TEST_F(AnswersTest, WhoWaitsForAnotherEndsWhenTheOtherEnds) {
  const std::vector<fs::path> files{place("locks")};
  const fs::path locks = usable_lock_file(files);
  Fd hanging = lock_all(locks);
  const std::jthread ends([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    hanging.close();
  });
  EXPECT_EQ(silent({"/"}, 20'000, locks), std::vector<fs::path>{});
}

TEST_F(AnswersTest, AStopEndsTheWait) {
  const DeadMount dead(place("dead"));
  if (!dead.mounted()) GTEST_SKIP() << "not permitted to mount";
  std::stop_source stop;
  stop.request_stop();
  const std::vector<fs::path> paths{place("dead")};
  try {
    paths_without_answer(paths, 60'000, stop.get_token());
    FAIL() << "it answered";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

}  // namespace
}  // namespace salvor
