#include "base/subprocess.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/fd.h"

namespace salvor {
namespace {

SubprocessOptions shell(const std::string& script) {
  SubprocessOptions options;
  options.argv = {"/bin/sh", "-c", script};
  return options;
}

/// Waits until the process is gone or a zombie; false after ten seconds.
bool ends(pid_t pid) {
  for (int i = 0; i < 1000; ++i) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    if (!std::getline(stat, line)) return true;
    const std::size_t name_end = line.rfind(')');
    if (name_end != std::string::npos && line.at(name_end + 2) == 'Z') return true;
    ::usleep(10'000);
  }
  return false;
}

TEST(SubprocessTest, ReturnsOutputsAndExitStatus) {
  const SubprocessResult result = run(shell("echo out; echo err >&2; exit 7"));
  EXPECT_EQ(as_text(result.output), "out\n");
  EXPECT_EQ(as_text(result.error_output), "err\n");
  EXPECT_EQ(result.exit_status, 7);
  EXPECT_EQ(result.signal, 0);
  EXPECT_FALSE(result.succeeded());
  EXPECT_EQ(result.describe(), "exit status 7");
}

TEST(SubprocessTest, ReportsTheSignal) {
  const SubprocessResult result = run(shell("kill -9 $$"));
  EXPECT_EQ(result.signal, SIGKILL);
  EXPECT_FALSE(result.succeeded());
}

TEST(SubprocessTest, PassesInputLargerThanAPipe) {
  const std::string input(3'000'000, 'x');
  SubprocessOptions options = shell("wc -c");
  options.input = as_bytes(input);
  EXPECT_EQ(as_text(run(options).output), "3000000\n");
  options.argv = {"true"};  // a program that never reads its input harms nobody
  EXPECT_TRUE(run(options).succeeded());
}

TEST(SubprocessTest, AddsAndReplacesEnvironment) {
  ASSERT_EQ(::setenv("SALVOR_TEST_OLD", "old", 1), 0);
  SubprocessOptions options = shell("echo \"$SALVOR_TEST_OLD $SALVOR_TEST_NEW\"");
  options.environment = {{"SALVOR_TEST_OLD", "replaced"}, {"SALVOR_TEST_NEW", "added"}};
  EXPECT_EQ(as_text(run(options).output), "replaced added\n");
  ASSERT_EQ(::unsetenv("SALVOR_TEST_OLD"), 0);
}

TEST(SubprocessTest, RunsInTheDirectory) {
  const TemporaryDirectory directory("/tmp");
  SubprocessOptions options = shell("pwd -P");
  options.directory = directory.path();
  EXPECT_EQ(as_text(run(options).output), directory.path().native() + "\n");
  options.directory = directory.path() / "absent";
  EXPECT_THROW(run(options), Error);
}

TEST(SubprocessTest, TruncatesOutputAndLetsTheProgramEnd) {
  SubprocessOptions options = shell("head -c 5000000 /dev/zero; echo end >&2");
  options.output_bytes_max = 1000;
  const SubprocessResult result = run(options);
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(result.output.size(), 1000U);
  EXPECT_TRUE(result.output_truncated);
  EXPECT_EQ(as_text(result.error_output), "end\n");
  EXPECT_FALSE(result.error_output_truncated);
}

TEST(SubprocessTest, OutputOfExactlyTheLimitIsNotTruncated) {
  SubprocessOptions options = shell("head -c 1000 /dev/zero");
  options.output_bytes_max = 1000;
  const SubprocessResult result = run(options);
  EXPECT_EQ(result.output.size(), 1000U);
  EXPECT_FALSE(result.output_truncated);
}

TEST(SubprocessTest, KeepsTheEndsOfOutputs) {
  SubprocessOptions options = shell("seq 1 1000000; echo last; echo err >&2");
  options.output_bytes_max = 20;
  options.keep_ends = true;
  const SubprocessResult result = run(options);
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(as_text(result.output), "999999\n1000000\nlast\n");
  EXPECT_TRUE(result.output_truncated);
  EXPECT_EQ(as_text(result.error_output), "err\n");
  EXPECT_FALSE(result.error_output_truncated);
}

TEST(SubprocessTest, KillsTheWholeGroupAfterTheTimeLimit) {
  SubprocessOptions options = shell("sleep 600 & echo $!; wait");
  options.time_limit_ms = 2000;
  const Time begin = Clock::system().monotonic();
  const SubprocessResult result = run(options);
  EXPECT_LT(Clock::system().monotonic().seconds_since(begin), 30);
  EXPECT_TRUE(result.timed_out);
  EXPECT_FALSE(result.succeeded());
  const pid_t background = std::stoi(std::string(as_text(result.output)));
  EXPECT_TRUE(ends(background)) << background;
}

TEST(SubprocessTest, KillsWhatIgnoresTerminate) {
  SubprocessOptions options = shell("trap '' TERM; while :; do sleep 0.1; done");
  options.time_limit_ms = 2000;
  options.kill_grace_ms = 100;
  const SubprocessResult result = run(options);
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.signal, SIGKILL);
}

TEST(SubprocessTest, DoesNotWaitForWhatItLeavesBehind) {
  const Time begin = Clock::system().monotonic();
  const SubprocessResult result = run(shell("sleep 600 & echo $!"));
  EXPECT_LT(Clock::system().monotonic().seconds_since(begin), 30);
  EXPECT_TRUE(result.succeeded());
  const pid_t background = std::stoi(std::string(as_text(result.output)));
  EXPECT_EQ(::kill(background, SIGKILL), 0) << "a server that was started must go on";
}

TEST(SubprocessTest, StopsOnRequest) {
  const TemporaryDirectory directory("/tmp");
  const std::filesystem::path fifo = directory.path() / "started";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  std::stop_source source;
  SubprocessOptions options = shell("echo > '" + fifo.native() + "'; sleep 600");
  options.stop = source.get_token();
  const std::jthread stopper([&] {
    const Fd opened = open_file(fifo, O_RDONLY);  // waits until the child runs
    source.request_stop();
  });
  try {
    run(options);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

TEST(SubprocessTest, MissingProgramIsNotFound) {
  SubprocessOptions options;
  options.argv = {"salvor-no-such-program"};
  try {
    run(options);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_NE(error.message().find("salvor-no-such-program"), std::string::npos);
  }
}

TEST(SubprocessTest, InheritsNoFileDescriptors) {
  const int leaked = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as libraries do
  ASSERT_GE(leaked, 3);
  const SubprocessResult result = run(shell("ls /proc/self/fd | wc -l"));
  ::close(leaked);
  EXPECT_EQ(as_text(result.output), "4\n");  // 0, 1, 2, and the directory that ls reads
}

TEST(SubprocessTest, ChildHasDefaultSignals) {
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  const SubprocessResult result = run(shell("kill -PIPE $$; echo survived"));
  ::signal(SIGPIPE, before);
  EXPECT_EQ(result.signal, SIGPIPE);
}

TEST(SubprocessTest, RefusesZeroBytes) {
  SubprocessOptions options;
  options.argv = {"echo", std::string("a\0b", 3)};
  EXPECT_THROW(run(options), Error);
}

}  // namespace
}  // namespace salvor
