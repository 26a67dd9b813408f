#include "stores/disk/beneath.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "testing/tree_compare.h"

namespace salvor::stores::disk {
namespace {

namespace fs = std::filesystem;

/// Has openat2 fail with `error` in this process, as an old kernel or a sandbox does.
bool forbid_openat2(unsigned error) {
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),  // the number of the system call
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{4, steps};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

class OpenBeneath : public ::testing::Test {
 protected:
  OpenBeneath() {
    fs::create_directories(home_.path() / "root/dir");
    fs::create_directory(home_.path() / "outside");
    const Fd file(open((home_.path() / "root/dir/file").c_str(), O_CREAT | O_WRONLY, 0600));
    const Fd outside(open((home_.path() / "outside/file").c_str(), O_CREAT | O_WRONLY, 0600));
    fs::create_symlink("../outside", home_.path() / "root/link");
    fs::create_symlink("file", home_.path() / "root/dir/link");
    root_ = open_file(home_.path() / "root", O_RDONLY | O_DIRECTORY);
  }
  ~OpenBeneath() override { testing::empty_tree(home_.path()); }

  /// Makes a chain whose path is longer than PATH_MAX, and returns that path.
  std::string make_long_path() const {
    std::string path;
    Fd at(openat(root_.get(), ".", O_RDONLY | O_DIRECTORY));
    for (int level = 0; level < 40; ++level) {
      const std::string name(250, 'n');
      mkdirat(at.get(), name.c_str(), 0700);
      at = Fd(openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
      path += name + '/';
    }
    const Fd end(openat(at.get(), "end", O_CREAT | O_WRONLY, 0600));
    return path + "end";
  }

  int error_of(std::string_view path) const {
    const Fd fd = open_beneath(root_.get(), path, O_RDONLY);
    return fd ? 0 : errno;
  }

  /// The first expectation that does not hold; 0 when all do. It also runs in a child process,
  /// where nobody would see an EXPECT.
  int first_failure() const {
    if (error_of("") != 0) return 1;
    if (error_of("dir/file") != 0) return 2;
    if (error_of("dir/missing") != ENOENT) return 3;
    if (error_of("missing/file") != ENOENT) return 4;
    if (error_of("dir/link") != ELOOP) return 5;
    if (const int error = error_of("link/file"); error != ELOOP && error != ENOTDIR) return 6;
    if (error_of("dir/file/below") != ENOTDIR) return 7;
    if (error_of(make_long_path()) != 0) return 8;
    if (fcntl(open_beneath(root_.get(), "dir", O_PATH).get(), F_GETFD) != FD_CLOEXEC) return 9;
    return 0;
  }

  /// In a program of its own, which ends without destructors.
  int run_without_openat2(unsigned error) const {
    const int result = forbid_openat2(error) ? first_failure() : -1;
    testing::empty_tree(home_.path());
    fs::remove(home_.path());
    return result;
  }

  const TemporaryDirectory home_{"/tmp", "salvor-beneath-"};
  Fd root_;
};

TEST_F(OpenBeneath, FollowsNoSymlink) {
  EXPECT_EQ(first_failure(), 0);
}

/// Whether a child process may filter its system calls here.
bool can_filter() {
  const pid_t child = fork();
  if (child == 0) _exit(forbid_openat2(ENOSYS) ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(OpenBeneath, FollowsNoSymlinkWithoutOpenat2) {
  if (!can_filter()) GTEST_SKIP() << "system calls can't be filtered here";
  // A new program each time: what is known of openat2 is remembered as long as one runs.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const unsigned error : {unsigned{ENOSYS}, unsigned{EPERM}}) {
    EXPECT_EXIT(_exit(run_without_openat2(error)), ::testing::ExitedWithCode(0), "")
        << errno_text(static_cast<int>(error));
  }
}

TEST(CheckedPath, GivesPathsAndSplitsThem) {
  using namespace std::string_literals;
  EXPECT_EQ(checked_path({}), "");
  EXPECT_EQ(checked_path(as_bytes("a\0b\0c"s)), "a/b/c");
  EXPECT_EQ(checked_path(as_bytes("..."s)), "...");
  EXPECT_EQ(split("a/b/c").parent, "a/b");
  EXPECT_EQ(split("a/b/c").name, "c");
  EXPECT_EQ(split("c").parent, "");
}

}  // namespace
}  // namespace salvor::stores::disk
